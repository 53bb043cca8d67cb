"""The API's answers about withdrawals, as far as the pages read them."""

from datetime import datetime

from kassa.pages.parts_models import Answer


class WithdrawnItem(Answer, frozen=True):
    """Pieces that are withdrawn from."""

    product_id: str
    name: str
    quantity: int
    to_send_back: int = 0
    withheld: int = 0


class Excluded(Answer, frozen=True):
    """What cannot be withdrawn from, and why."""

    product_id: str
    name: str
    reason: str


class Withdrawal(Answer, frozen=True):
    """A buyer's statement, and what is owed for it."""

    number: int
    name: str
    email: str
    items: tuple[WithdrawnItem, ...]
    received_at: datetime
    refund_by: datetime
    amount_minor: int
    currency: str
    status: str
    remark: str = ""
    shipping_minor: int = 0
    closed_why: str = ""

    @property
    def to_send_back(self) -> tuple[WithdrawnItem, ...]:
        """What of it the buyer has."""
        return tuple(each for each in self.items if each.to_send_back)


class Left(Answer, frozen=True):
    """So many pieces can be withdrawn from."""

    product_id: str
    quantity: int


class Statement(Answer, frozen=True):
    """What a statement would do, or has done."""

    order_id: str
    is_confirmed: bool
    withdrawal: Withdrawal
    left_to_withdraw: tuple[Left, ...] = ()
    excluded: tuple[Excluded, ...] = ()
    until: datetime | None = None
    order_number: int | None = None

    @property
    def called(self) -> str:
        """What people call the order: its number; its id, if it is of before there were numbers."""
        return str(self.order_number or self.order_id)


class OneStatement(Answer, frozen=True):
    statement: Statement


class OpenWithdrawal(Answer, frozen=True):
    """An order whose withdrawals are to be refunded."""

    order_id: str
    refund_by: datetime
    is_overdue: bool
    amount_minor: int
    currency: str
    withdrawals: tuple[Withdrawal, ...] = ()
    order_number: int | None = None

    @property
    def called(self) -> str:
        """What people call the order: its number; its id, if it is of before there were numbers."""
        return str(self.order_number or self.order_id)


class Counted(Answer, frozen=True):
    total: int = 0


class OpenWithdrawals(Answer, frozen=True):
    open: tuple[OpenWithdrawal, ...]
    pagination: Counted = Counted()
