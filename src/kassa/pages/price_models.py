"""The API's answers about what products have cost, as far as the pages read them."""

from datetime import datetime

from kassa.pages.models import Answer


class PriceChange(Answer, frozen=True):
    """What a product cost since `at`."""

    price_minor: int
    currency: str
    at: datetime
    compare_at_price_minor: int | None = None


class Prices(Answer, frozen=True):
    prices: tuple[PriceChange, ...]
