"""Orders as lists for staff have them: how the money stands, and how the goods do, in a word each."""

from datetime import datetime
from typing import NamedTuple

from kassa.pages.models import Answer, Order, Pagination

_MONEY = {
    "PENDING": ("Not paid yet", "pending"),
    "CONFIRMED": ("Paid", "confirmed"),
    "CANCELLED": ("Cancelled", "cancelled"),
    "FAILED": ("Failed", "failed"),
    "REFUNDED": ("Refunded", ""),
}
_GOODS = {
    "unfulfilled": ("To send", "pending"),
    "partly": ("Partly sent", "pending"),
    "fulfilled": ("Sent", ""),
    "delivered": ("Delivered", "confirmed"),
}
_RETURNS = {"requested": "Return asked for", "received": "Return is back", "approved": "Coming back"}
_DISPUTES = {
    "needs_response": ("Disputed", "failed"),
    "warning_needs_response": ("Bank asks", "failed"),
    "under_review": ("Dispute answered", "pending"),
    "warning_under_review": ("Inquiry answered", "pending"),
    "lost": ("Dispute lost", "failed"),
}
NAMED = 2
"""So many of an order's goods are named; the others are counted."""


def label_of(order_id: str, number: int | None = None) -> str:
    """What people call an order: its number; where that is not known the end of its id."""
    return str(number or f"…{order_id[-8:]}")


class Badge(NamedTuple):
    """A word, and the kind of colour that it has."""

    word: str
    kind: str = ""


class ListedDispute(Answer, frozen=True):
    """The last dispute of an order's payment."""

    status: str
    amount_minor: int = 0
    answer_by: datetime | None = None


class ListedOrder(Order, frozen=True, kw_only=True):
    """An order of a list for staff."""

    refunded_minor: int = 0
    dispute: ListedDispute | None = None

    @property
    def label(self) -> str:
        """What people call it."""
        return label_of(self.id, self.number)

    @property
    def buyer(self) -> str:
        """Who gets it, by name."""
        return next((each.name for each in (self.destination, self.billing) if each is not None and each.name), "")

    @property
    def goods(self) -> str:
        """The first of what was ordered, and how much more there is."""
        named = [f"{each.quantity} × {each.name}" if each.quantity > 1 else each.name for each in self.items[:NAMED]]
        more = len(self.items) - NAMED
        return ", ".join(named) + (f" and {more} more" if more > 0 else "")

    @property
    def money_badge(self) -> Badge:
        """How the money stands: a dispute before all else."""
        if self.dispute is not None and self.dispute.status in _DISPUTES:
            return Badge(*_DISPUTES[self.dispute.status])
        if self.status == "CONFIRMED" and self.refunded_minor:
            return Badge("Partly refunded")
        if self.status == "CONFIRMED" and not self.total_amount_minor:
            return Badge("Nothing to pay", "confirmed")
        return Badge(*_MONEY.get(self.status, (self.status.capitalize(), "")))

    @property
    def goods_badge(self) -> Badge | None:
        """How the goods stand, where there are any to be sent: what waits for staff before all else."""
        if self.hold is not None and self.left_to_send:
            return Badge("On hold", "failed")
        states = {each.status for each in self.returns}
        for state, word in (
            ("requested", "Return asked for"),
            ("received", "Return is back"),
            ("approved", "Coming back"),
        ):
            if state in states:
                return Badge(word, "pending")
        return Badge(*_GOODS[self.fulfilment]) if self.fulfilment in _GOODS else None


class FoundOrders(Answer, frozen=True):
    """A page of orders that were looked for."""

    orders: tuple[ListedOrder, ...]
    pagination: Pagination = Pagination()
    looked_back_to: datetime | None = None
