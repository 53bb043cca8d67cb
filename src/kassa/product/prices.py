"""What a product cost, and when: the price history, and the prior price that a reduction is announced from. Pure.

The rules are those of Article 6a of Directive 98/6/EC on the indication of prices, inserted by Directive (EU)
2019/2161. An announcement of a price reduction indicates the prior price (1): the lowest one that the trader applied
during a period of at least 30 days before the reduction (2). Member States may provide for less than that where goods
have been on the market for less than 30 days (4), and for the price before the first step where a reduction is
increased progressively (5). What is announced, as a percentage or otherwise, is reckoned from the prior price and no
other (Court of Justice, C-330/23, Aldi Süd, 26 September 2024).
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any, TypeVar

import msgspec

from kassa.kit import inputs
from kassa.kit.clock import DAY, Millis
from kassa.kit.documents import Document
from kassa.kit.effects import Aggregate, Effect
from kassa.kit.money import major
from kassa.kit.problem import FieldError

WINDOW: Millis = 30 * DAY
"""How long before a reduction prices count (Article 6a(2))."""


class Priced(Aggregate, frozen=True, kw_only=True):
    """What has a price, in minor units of `currency`. With `compare_at_minor`, its regular price, it is reduced, since
    `reduced_since`; `prior_minor` is the prior price of that reduction, None if it was never sold at another one."""

    price_minor: int
    currency: str
    compare_at_minor: int | None = None
    reduced_since: Millis | None = None
    prior_minor: int | None = None


class PriceChange(Document, frozen=True, kw_only=True):
    """One entry of a product's price history, which is never changed and never removed: since `at` it costs
    `price_minor`, by the doing of `who`. Of one product, a later entry has an id that sorts behind."""

    product_id: str
    price_minor: int
    compare_at_minor: int | None
    currency: str
    at: Millis
    who: str


P = TypeVar("P", bound=Priced)


def at_odds(known: Priced, good: Mapping[str, Any]) -> list[FieldError]:
    """What is wrong with a checked price beside the other one that is known. Of two that are given together, see
    `not_above`."""
    if "price_minor" not in good:
        return not_above(good.get("compare_at_minor"), known.price_minor)
    compare_at = known.compare_at_minor
    if "compare_at_minor" in good or compare_at is None or good["price_minor"] < compare_at:
        return []
    instead = "give another compareAtPrice with it, or null (in a file: an empty cell) to end the reduction"
    return [FieldError("price", f"must be below the compareAtPrice, {major(compare_at, known.currency)}; {instead}")]


def not_above(compare_at_minor: int | None, price_minor: int) -> list[FieldError]:
    """What is wrong with a price to compare at, if there is one, that would be no reduction."""
    if compare_at_minor is None or compare_at_minor > price_minor:
        return []
    return [FieldError("compareAtPrice", "must be above the price")]


def told(priced: Priced, since: Millis, who: str) -> dict[str, str]:
    """What an effect says that wants this price in the history; `entry_of` reads it."""
    said = {"price_minor": str(priced.price_minor), "currency": priced.currency, "since": str(since), "who": who}
    if priced.compare_at_minor is not None:
        said["compare_at_minor"] = str(priced.compare_at_minor)
    return said


def entry_of(product_id: str, effect: Effect) -> PriceChange:
    """The entry that an effect of a product wants: the same one each time."""
    compare_at = effect.args.get("compare_at_minor")
    return PriceChange(
        id=inputs.price_change_id(effect.id),
        product_id=product_id,
        price_minor=int(effect.args["price_minor"]),
        compare_at_minor=None if compare_at is None else int(compare_at),
        currency=effect.args["currency"],
        at=int(effect.args["since"]),
        who=effect.args["who"],
    )


def in_order(*parts: Iterable[PriceChange]) -> list[PriceChange]:
    """The entries of a product from several places, each once, the oldest first."""
    known = {change.id: change for part in parts for change in part}
    return [known[id] for id in sorted(known)]


def lowest(history: Sequence[PriceChange], before: Millis) -> int | None:
    """The lowest price that applied in the 30 days before this moment (Article 6a(2)); the history is in order. None
    if none is known to have applied before.

    A price applies until the next one. So the one in force when the 30 days begin counts, however long it was in force
    by then. Of goods that are sold for less than 30 days it is the lowest since they were first sold: Article 6a(4)
    lets Member States ask for less. Whether the goods were withdrawn meanwhile is not looked at: their price stands,
    and a lower one counts.
    """
    opened = before - WINDOW
    each_and_next = zip_longest(history, history[1:])
    applied = [change.price_minor for change, then in each_and_next if then is None or then.at > opened]
    return min(applied, default=None)


def reckoned(before: Priced, priced: P, history: Sequence[PriceChange], now: Millis) -> P:
    """What had the one price until now and has another one from now on, with its reduction begun, gone on with or
    ended. The history is what was in force until now.

    The prior price is fixed when the reduction begins, and stays while it is increased: it is the one before the first
    step (Article 6a(5)). Only that is progressive. At a higher price, reduced though it is, it is another reduction,
    and what the goods cost meanwhile counts.
    """
    if priced.compare_at_minor is None:
        return msgspec.structs.replace(priced, reduced_since=None, prior_minor=None)
    if before.compare_at_minor is not None and priced.price_minor <= before.price_minor:
        return priced
    return msgspec.structs.replace(priced, reduced_since=now, prior_minor=lowest(history, now))
