"""Orders as staff looks for them: by what is to be done about them, by days, and by words."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from kassa.contracts.payment import DisputedOrder, Payments
from kassa.kit.clock import DAY, MINUTE, Millis
from kassa.kit.documents import Between, Collection, In, Where
from kassa.kit.email import one_spelling
from kassa.kit.figures import Figures
from kassa.kit.ids import ORDER, first_of, is_id
from kassa.kit.lists import Pagination, Paging, listed
from kassa.kit.problem import Invalid, Unavailable
from kassa.kit.text import is_far_too_long
from kassa.order.domain import Order, Stage
from kassa.order.numbers import called
from kassa.order.personal import of_address
from kassa.order.work import Work

LONGEST_QUERY = 200
MOST_LOOKED_AT = 5_000
"""Orders that are looked through for words, the newest first; by ids and addresses all are found."""
AT_ONCE = 100
ENDS_SOON: Millis = 10 * MINUTE


class Only(StrEnum):
    """Which orders staff wants to see. Append only."""

    TO_SHIP = "to_ship"
    ON_HOLD = "on_hold"
    RETURNS = "returns"
    REFUNDED = "refunded"
    DISPUTED = "disputed"
    ENDING_SOON = "ending_soon"
    WITHDRAWALS_DUE = "withdrawals_due"


class Wanted(msgspec.Struct, frozen=True):
    """What is looked for: orders that pass `where`, of `only` one kind, with the words of `query`."""

    where: Where
    only: Only | None = None
    query: str = ""


class Found(msgspec.Struct, frozen=True):
    """A page of what was found. `looked_back_to` is when the oldest order was made that was looked at, if there are
    older ones."""

    orders: list[Order]
    pagination: Pagination
    looked_back_to: Millis | None = None


def query_of(text: str | None) -> str:
    """The words that are looked for, as they are sent; Invalid if they are too many."""
    words = (text or "") if is_far_too_long(text or "", LONGEST_QUERY) else (text or "").strip()
    if len(words) > LONGEST_QUERY:
        raise Invalid.field("q", f"must have at most {LONGEST_QUERY} characters")
    return words


def of_days(since: Millis | None, until: Millis | None) -> Where:
    """What finds the orders that were made on these UTC days: their ids tell when."""
    if since is None and until is None:
        return {}
    first = None if since is None else first_of(ORDER, since)
    return {"id": Between(first, None if until is None else first_of(ORDER, until + DAY))}


def that_are(only: Only, now: Millis) -> Where:
    """What finds the orders of one kind; those that are disputed only the payments know."""
    kinds: dict[Only, Where] = {
        Only.TO_SHIP: {"work": Work.SHIP.value},
        Only.ON_HOLD: {"work": Work.HELD.value},
        Only.RETURNS: {"is_returning": True},
        Only.REFUNDED: {"is_refunded": True},
        Only.ENDING_SOON: {"status": Stage.PENDING.value, "expires_at": Between(now, now + ENDS_SOON)},
        Only.WITHDRAWALS_DUE: {"refund_by": Between(0)},
    }
    return kinds[only]


async def find(
    orders: Collection[Order], payments: Payments, wanted: Wanted, asked: Paging, figures: Figures, now: Millis
) -> Found:
    """A page of the orders that are wanted, the newest first."""
    if wanted.only is Only.DISPUTED and not wanted.query:
        return await _disputed(orders, payments, wanted.where, asked)
    is_kind = wanted.only is not None and wanted.only is not Only.DISPUTED
    where: Where = {**wanted.where, **(that_are(wanted.only, now) if wanted.only and is_kind else {})}
    if not wanted.query:
        return Found(*await listed(orders, where, asked, figures))
    named = await _named(orders, payments, wanted.query)
    if named is not None:
        return _page([named], asked, None)
    if (text := one_spelling(wanted.query)).rpartition("@")[0]:
        page, pagination = await listed(orders, {**of_address(text), **where}, asked, figures)
        if page:
            return Found(page, pagination)
    return await _by_words(orders, where, wanted.query, asked)


async def disputes_of(payments: Payments, orders: Sequence[Order]) -> dict[str, DisputedOrder]:
    """By order: its dispute. None are known while the payments cannot be asked."""
    try:
        found = await payments.disputed_among([each.id for each in orders])
    except Unavailable:
        return {}
    return {each.order_id: each for each in found}


async def _disputed(orders: Collection[Order], payments: Payments, where: Where, asked: Paging) -> Found:
    """Filters besides that are looked at order by order: of disputes there are few."""
    page = await payments.disputed(asked.limit, asked.skip, asked.after or "")
    known = {each.id: each for each in await orders.many([each.order_id for each in page.orders])}
    found = [known[each.order_id] for each in page.orders if each.order_id in known]
    found = [each for each in found if _passes(each, where)]
    cursor = page.after.encode("ascii").hex() if page.after else None
    return Found(found, Pagination(page.total, asked.limit, asked.skip, cursor))


def _passes(order: Order, where: Where) -> bool:
    for field, test in where.items():
        value = getattr(order, field)
        match test:
            case Between():
                passes = value is not None and test.holds(value)
            case In(values):
                passes = value in values
            case _:
                passes = value == test
        if not passes:
            return False
    return True


async def _named(orders: Collection[Order], payments: Payments, query: str) -> Order | None:
    """The order that has this number or this very id, or whose session or payment intent at Stripe has."""
    if (numbered := await called(orders, query)) is not None:
        return numbered
    text = query.strip()
    if text.startswith(("cs_", "pi_")):
        text = await payments.order_of(text)
    return await orders.get(text) if is_id(ORDER, text) else None


async def _by_words(orders: Collection[Order], where: Where, query: str, asked: Paging) -> Found:
    words = query.casefold().split()
    found: list[Order] = []
    oldest: Order | None = None
    looked_at, after = 0, None
    while page := await orders.find(where, limit=AT_ONCE, after=after, order="newest"):
        found += [order for order in page if _has(order, words)]
        oldest, after, looked_at = page[-1], page[-1].id, looked_at + len(page)
        if len(page) < AT_ONCE:
            return _page(found, asked, None)
        if looked_at >= MOST_LOOKED_AT:
            break
    return _page(found, asked, oldest.created_at if oldest is not None else None)


def _has(order: Order, words: Sequence[str]) -> bool:
    """Whether all words are in what the order tells of its buyer and its goods."""
    sale = order.sale
    people = [sale.email, *(each.name for each in (sale.destination, sale.billing) if each is not None)] if sale else []
    text = " ".join([order.id, *people, *(item.name for item in order.items)]).casefold()
    return all(word in text for word in words)


def _page(found: list[Order], asked: Paging, looked_back_to: Millis | None) -> Found:
    matching = [each for each in found if asked.after is None or each.id < asked.after][asked.skip :]
    pagination = asked.pagination(len(found), matching[: asked.limit + 1], lambda order: str(order.id))
    return Found(matching[: asked.limit], pagination, looked_back_to)
