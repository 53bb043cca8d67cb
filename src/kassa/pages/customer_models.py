"""The API's answers about customers, as far as the console reads them."""

from collections.abc import Iterable
from datetime import datetime

from kassa.pages.listed_models import ListedOrder, label_of
from kassa.pages.models import Answer
from kassa.pages.parts_models import Address


class LastOrder(Answer, frozen=True):
    """A customer's newest order."""

    id: str
    created_at: datetime
    number: int | None = None

    @property
    def label(self) -> str:
        """What people call it."""
        return label_of(self.id, self.number)


class Customer(Answer, frozen=True):
    """Who has ordered; without a `user_id` a guest."""

    orders: int
    spent_minor: int
    currency: str
    first_ordered_at: datetime
    last_order: LastOrder
    user_id: str | None = None
    email: str = ""
    name: str = ""
    is_more: bool = False

    @property
    def called(self) -> str:
        """By name, or else by e-mail address."""
        return self.name or self.email or "No name"

    @property
    def key(self) -> dict[str, str]:
        """By what the console finds them."""
        return {"userId": self.user_id} if self.user_id else {"email": self.email}


class FoundCustomers(Answer, frozen=True):
    """Some of them."""

    customers: tuple[Customer, ...]
    next_cursor: str | None = None
    looked_back_to: datetime | None = None


def addresses(orders: Iterable[ListedOrder]) -> list[Address]:
    """Where their orders went, and their bills, each once, the newest first."""
    used = (each for order in orders for each in (order.destination, order.billing) if each is not None)
    return [each for each in dict.fromkeys(used) if each.name or each.lines]
