"""The API's answers about discounts, as far as the console reads them."""

from datetime import datetime
from decimal import Decimal

from kassa.pages.models import Pagination
from kassa.pages.parts_models import Answer


class Discount(Answer, frozen=True):
    """Something off an order. Without a code it applies by itself; without a limit it is used any number of times."""

    id: str
    name: str
    kind: str
    currency: str
    code: str | None = None
    percent: Decimal | None = None
    amount_minor: int | None = None
    categories: tuple[str, ...] = ()
    minimum_minor: int | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    limit: int | None = None
    limit_per_buyer: int | None = None
    uses_left: int | None = None
    combines: bool = False
    is_active: bool = True

    def state(self, now: datetime) -> str:
        """How it stands, in a word."""
        if not self.is_active or (self.ends_at is not None and self.ends_at <= now):
            return "Ended"
        if self.starts_at is not None and self.starts_at > now:
            return "Planned"
        return "Used up" if self.uses_left == 0 else "Running"


class OneDiscount(Answer, frozen=True):
    discount: Discount


class Discounts(Answer, frozen=True):
    discounts: tuple[Discount, ...]
    pagination: Pagination = Pagination()
