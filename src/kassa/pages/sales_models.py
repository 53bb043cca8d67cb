"""The API's answer about what was sold, as far as the console reads it."""

from kassa.pages.models import Answer


class Period(Answer, frozen=True):
    """Some days."""

    since: str
    until: str
    orders: int = 0
    net_minor: int = 0
    refunded_minor: int = 0

    @property
    def average_minor(self) -> int:
        """What is left of the money, an order."""
        return round(self.net_minor / self.orders) if self.orders else 0


class DaySales(Answer, frozen=True):
    """One day."""

    date: str
    orders: int
    amount_minor: int


class SoldGoods(Answer, frozen=True):
    """So many pieces of a product."""

    product_id: str
    name: str
    pieces: int
    amount_minor: int


class Sales(Answer, frozen=True):
    """What was sold, beside as many days before."""

    currency: str
    period: Period
    before: Period
    days: tuple[DaySales, ...] = ()
    best: tuple[SoldGoods, ...] = ()
    best_of: int | None = None


def change(now: int, before: int) -> str:
    """How much more or less it is: `+12%`; nothing, where there was none before."""
    if before <= 0:
        return ""
    percent = round(100 * (now - before) / before)
    sign = "+" if percent > 0 else "\u2212" if percent < 0 else "±"
    return f"{sign}{abs(percent):,}%"
