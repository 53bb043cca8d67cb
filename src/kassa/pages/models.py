"""The API's answers, as far as the pages read them. Unknown members are ignored, so that the API may grow."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from kassa.kit.money import major
from kassa.pages.parcels_models import Sent
from kassa.pages.parts_models import Address, Parts
from kassa.pages.parts_models import Answer as Answer

MAYBE = ("sealed_hygiene", "mixed", "sealed_media")
"""Reasons that exclude goods only when they come back so."""


class Pagination(Answer, frozen=True):
    total: int = 0
    limit: int = 0
    skip: int | None = 0
    next_cursor: str | None = None


class Stock(Answer, frozen=True):
    product_id: str
    stock: int


class OrderItem(Answer, frozen=True):
    product_id: str
    name: str
    quantity: int
    price_snapshot_minor: int
    discount_minor: int = 0
    withdrawal_excluded: str = ""

    @property
    def amount_minor(self) -> int:
        return self.price_snapshot_minor * self.quantity


class Order(Sent, frozen=True, kw_only=True):
    id: str
    items: tuple[OrderItem, ...]
    total_amount_minor: int
    currency: str
    status: str
    created_at: datetime
    user_id: str = ""
    reason: str | None = None
    expires_at: datetime | None = None
    updated_at: datetime | None = None
    email: str = ""
    destination: Address | None = None
    billing: Address | None = None
    note: str = ""
    parts: Parts | None = None
    number: int | None = None

    @property
    def called(self) -> str:
        """What people call the order: its number; its id, if it is of before there were numbers."""
        return str(self.number or self.id)

    @property
    def has_more_to_withdraw(self) -> bool:
        """Whether there is anything of it that its buyer may withdraw from, if the time is not over."""
        gone: dict[str, int] = {}
        for each in (one for made in self.withdrawals for one in made.items):
            gone[each.product_id] = gone.get(each.product_id, 0) + each.quantity
        return self.status == "CONFIRMED" and any(
            item.quantity > gone.get(item.product_id, 0)
            and not (item.withdrawal_excluded and item.withdrawal_excluded not in MAYBE)
            for item in self.items
        )

    @property
    def can_be_tried_again(self) -> bool:
        """Whether it came to nothing for the payment alone."""
        return self.reason in ("payment_declined", "payment_failed")

    @property
    def is_guests(self) -> bool:
        """Whether whoever made it had no account."""
        return self.user_id.startswith("gst_")

    @property
    def called_buyer(self) -> str:
        """Who bought, by name, or else by e-mail address; of an account without either nothing more is known here."""
        named = (each.name for each in (self.destination, self.billing) if each is not None and each.name)
        return next(named, self.email or "Their account")

    def name_of(self, product_id: str) -> str:
        """What a product of it was called when it was ordered."""
        return next((item.name for item in self.items if item.product_id == product_id), product_id)

    @property
    def is_final(self) -> bool:
        return self.status != "PENDING"


class OneOrder(Answer, frozen=True):
    """`guest_token` is there when a guest without a token has made it."""

    order: Order
    guest_token: str = ""


class Orders(Answer, frozen=True):
    orders: tuple[Order, ...]
    pagination: Pagination = Pagination()


class Checkout(Answer, frozen=True):
    checkout_url: str
    session_id: str = ""


class PaymentDispute(Answer, frozen=True):
    status: str
    amount_minor: int
    currency: str
    id: str = ""
    answer_by: datetime | None = None

    @property
    def wants_answer(self) -> bool:
        """Whether somebody of the staff must say something."""
        return self.status.endswith("needs_response")


class LeftLine(Answer, frozen=True):
    """Pieces that can be refunded yet, or are refunded, and what was paid for them."""

    product_id: str
    quantity: int
    amount_minor: int


class BuyersRefund(Answer, frozen=True):
    """Money that went back; of what, if it is of anything in particular."""

    amount_minor: int
    created_at: datetime
    lines: tuple[LeftLine, ...] = ()
    shipping_minor: int = 0


class PaymentStatus(Answer, frozen=True):
    status: str
    currency: str
    amount_minor: int
    stage: str = ""
    refunded_minor: int = 0
    refunds: tuple[BuyersRefund, ...] = ()
    disputes: tuple[PaymentDispute, ...] = ()


class Fee(Answer, frozen=True):
    """What Stripe has kept of a payment, and what is left of it, in the currency of the shop's balance."""

    fee_minor: int
    net_minor: int
    currency: str


class OneFee(Answer, frozen=True):
    """None: not reckoned yet."""

    fee: Fee | None = None


class Refund(Answer, frozen=True):
    """Money that goes back; `failure` is why it does not."""

    id: str
    status: str
    failure: str | None = None


class OneRefund(Answer, frozen=True):
    refund: Refund


class ReturnedItem(Answer, frozen=True):
    product_id: str
    quantity: int


class Refunds(Answer, frozen=True):
    """What is left of an order's payment and of its goods."""

    left_minor: int
    currency: str
    left_items: tuple[ReturnedItem, ...] = ()
    left_lines: tuple[LeftLine, ...] = ()
    left_shipping_minor: int = 0

    @property
    def left_text(self) -> str:
        """The amount that is left, as it is typed."""
        return str(major(self.left_minor, self.currency))

    def can_come_back(self, product_id: str) -> int:
        """How many pieces of a product."""
        return sum(each.quantity for each in self.left_items if each.product_id == product_id)

    def has_left(self, items: Iterable[ReturnedItem]) -> bool:
        """Whether all of these pieces can be refunded yet: what was withdrawn may be, before it is back."""
        left = {each.product_id: each.quantity for each in self.left_lines}
        return all(left.get(each.product_id, 0) >= each.quantity for each in items)


class Entry(Answer, frozen=True):
    at: datetime
    text: str = ""
    kind: str = ""
    service: str = ""
    data: Mapping[str, str] = {}

    @property
    def amount(self) -> str:
        """How much money it is about, such as `17.20 USD`."""
        return self.data.get("amount", "").upper()

    @property
    def number(self) -> str:
        """Of what is still to be done, by which it is asked for."""
        return self.data.get("effect", "").rpartition(":")[0].rpartition(":")[2]

    @property
    def staff(self) -> str:
        """Who of the staff, or which program, did it; empty if neither did."""
        by = self.data.get("by", "")
        return by if by.startswith(("usr_", "key_")) else ""

    @property
    def name(self) -> str:
        """What that one is called."""
        return self.data.get("name", "")

    @property
    def why(self) -> str:
        """What who did it has typed."""
        return self.data.get("why", "") if self.staff and self.kind.startswith("refund") else ""


class Timeline(Answer, frozen=True):
    entries: tuple[Entry, ...]
