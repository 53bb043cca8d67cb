"""Parcels of an order, what is kept from being sent, and what comes back, as they are stored. Pure: no I/O, no clock,
no chance."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from kassa.contracts.inventory import Line, summed
from kassa.contracts.order import OrderItem
from kassa.kit.clock import Millis

Pieces = dict[str, int]
"""How many pieces, by the id of their product."""


class Shipment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Pieces that went to the buyer together: a parcel, or what was handed over. `number` counts those of the order."""

    id: str
    number: int
    lines: tuple[Line, ...]
    carrier: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    sent_at: Millis
    delivered_at: Millis | None = None
    cancelled_at: Millis | None = None


class SetAside(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a refund wants of the order: the pieces whose money goes back, and those of all pieces that are not sent any
    more because of it; of which return they are, if of one."""

    refund_id: str
    refunded: tuple[Line, ...] = ()
    withheld: tuple[Line, ...] = ()
    return_id: str = ""


class ReturnState(StrEnum):
    """Where a return stands. Append only."""

    REQUESTED = "requested"
    APPROVED = "approved"
    DECLINED = "declined"
    RECEIVED = "received"
    CLOSED = "closed"  # nothing comes: the buyer keeps the goods


OVER = (ReturnState.DECLINED, ReturnState.CLOSED)
"""Where a return does not count any more."""


class Return(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Pieces that a buyer wants to send back. `reason` is who asked for it's, `answer` what staff told the buyer.
    `shelved` are those that went back on the shelf when they were received."""

    id: str
    number: int
    lines: tuple[Line, ...]
    state: ReturnState
    reason: str = ""
    answer: str = ""
    is_by_staff: bool = False
    shelved: tuple[Line, ...] = ()
    asked_at: Millis
    updated_at: Millis


class Withdrawal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A buyer's statement that these pieces are withdrawn from. `withheld` are those of them that were not sent, and
    will not be. `amount_minor` is owed for it until `refund_by`, `shipping_minor` of that for the shipping.
    `refunded_before` and `by_amount_before` are what had gone back until then: pieces, and money for none. It is
    `closed` when staff says that nothing more is owed, and why; the `settled` pieces and `settled_minor` of money for
    none had gone back for it by then."""

    id: str
    number: int
    lines: tuple[Line, ...]
    withheld: tuple[Line, ...] = ()
    name: str = ""
    email: str = ""
    remark: str = ""
    is_by_staff: bool = False
    amount_minor: int = 0
    shipping_minor: int = 0
    refunded_before: tuple[Line, ...] = ()
    by_amount_before: int = 0
    received_at: Millis
    refund_by: Millis
    closed_at: Millis | None = None
    closed_why: str = ""
    settled: tuple[Line, ...] = ()
    settled_minor: int = 0


class Hold(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why nothing of an order is sent for now, and since when."""

    why: str
    at: Millis


class Parcels(msgspec.Struct, frozen=True, omit_defaults=True):
    """All of that; an order has it from the first of it on. What went back in all, for no goods in particular and
    for the shipping, is as the payment told last."""

    shipments: tuple[Shipment, ...] = ()
    aside: tuple[SetAside, ...] = ()
    returns: tuple[Return, ...] = ()
    hold: Hold | None = None
    withdrawals: tuple[Withdrawal, ...] = ()
    by_amount_minor: int = 0
    shipping_back_minor: int = 0
    back_minor: int = 0

    @property
    def sent(self) -> Pieces:
        """The pieces that were sent."""
        return _all(each.lines for each in self.shipments if each.cancelled_at is None)

    @property
    def withheld(self) -> Pieces:
        """The pieces that were not sent, and will not be."""
        return _all([*(each.withheld for each in self.aside), *(each.withheld for each in self.withdrawals)])

    @property
    def withdrawn(self) -> Pieces:
        """The pieces that were withdrawn from."""
        return _all(each.lines for each in self.withdrawals)

    @property
    def withdrawn_as_sent(self) -> Pieces:
        """Those of them that had been sent, or need not be."""
        return less(self.withdrawn, _all(each.withheld for each in self.withdrawals))

    @property
    def refunded(self) -> Pieces:
        """The pieces whose money goes back."""
        return _all(each.refunded for each in self.aside)

    @property
    def given_up(self) -> Pieces:
        """The pieces that refunds have made an end of: their money goes back, or they are on the shelf unsent."""
        return _all(lines(larger(summed(each.refunded), summed(each.withheld))) for each in self.aside)

    @property
    def returned(self) -> Pieces:
        """The pieces that are in returns, unless it was said that they do not come."""
        return _all(each.lines for each in self.returns if each.state not in OVER)

    @property
    def shelved(self) -> Pieces:
        """The pieces that went back on the shelf with returns."""
        return _all(each.shelved for each in self.returns)

    @property
    def refunded_as_sent(self) -> Pieces:
        """The pieces whose money goes back though they were sent."""
        sent = _all(lines(less(summed(each.refunded), summed(each.withheld))) for each in self.aside)
        return summed(lines(less(sent, _all(each.withheld for each in self.withdrawals))))

    def aside_of(self, refund_id: str) -> SetAside | None:
        """What is set aside for the refund, if anything."""
        return next((each for each in self.aside if each.refund_id == refund_id), None)

    def refunded_of(self, return_id: str) -> Pieces:
        """The pieces of a return whose money goes back."""
        return _all(each.refunded for each in self.aside if each.return_id == return_id)


NO_PARCELS = Parcels()


def ordered(items: Sequence[OrderItem], *, is_sent: bool = False) -> Pieces:
    """The pieces that were ordered; or of them those that have to be sent."""
    return summed(Line(item.product_id, item.quantity) for item in items if not (is_sent and item.is_digital))


def left_to_send(items: Sequence[OrderItem], parcels: Parcels) -> Pieces:
    """How many pieces of each product are to be sent yet."""
    return less(less(ordered(items, is_sent=True), parcels.sent), parcels.withheld)


def can_come_back(items: Sequence[OrderItem], parcels: Parcels) -> Pieces:
    """How many pieces of each product a buyer has: those that were sent, and all that need not be."""
    sent = parcels.sent
    return {item.product_id: item.quantity if item.is_digital else sent.get(item.product_id, 0) for item in items}


def left_to_return(items: Sequence[OrderItem], parcels: Parcels) -> Pieces:
    """How many pieces of each product a buyer has and has not asked to send back."""
    return less(can_come_back(items, parcels), parcels.returned)


def is_within(some: Pieces, of: Pieces) -> bool:
    """Whether there are no more pieces than these of any product."""
    return all(quantity <= of.get(product_id, 0) for product_id, quantity in some.items())


def lines(pieces: Pieces) -> tuple[Line, ...]:
    """The same as lines, without those of no pieces."""
    return tuple(Line(product_id, quantity) for product_id, quantity in pieces.items() if quantity > 0)


def broken(items: Sequence[OrderItem], parcels: Parcels) -> str:
    """What does not go together: in words; empty if all does."""
    if any(left < 0 for left in left_to_send(items, parcels).values()):
        return "more is sent, or set aside, than was ordered"
    if not is_within(parcels.sent, ordered(items, is_sent=True)):
        return "something is sent that was not ordered"
    if not is_within(parcels.refunded, ordered(items)):
        return "more pieces are refunded than were ordered"
    if not is_within(parcels.returned, can_come_back(items, parcels)):
        return "more is in returns than was sent"
    if not is_within(parcels.withdrawn, ordered(items)):
        return "more is withdrawn than was ordered"
    if not is_within(parcels.withdrawn_as_sent, can_come_back(items, parcels)):
        return "what was withdrawn would be sent once more"
    return ""


def less(some: Pieces, others: Pieces) -> Pieces:
    """What is left of some pieces without the others."""
    return {product_id: quantity - others.get(product_id, 0) for product_id, quantity in some.items()}


def larger(some: Pieces, others: Pieces) -> Pieces:
    """Of each product as many as there are more of."""
    return {each: max(some.get(each, 0), others.get(each, 0)) for each in {**some, **others}}


def _all(several: Iterable[Iterable[Line]]) -> Pieces:
    return summed(line for lines in several for line in lines)
