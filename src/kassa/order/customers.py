"""Customers: who has ordered, with an account or as a guest, and what their orders come to."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from kassa.contracts.auth import Contact
from kassa.kit.clock import Millis
from kassa.kit.documents import Collection, Where
from kassa.kit.email import one_spelling
from kassa.kit.problem import NotFound, Unavailable
from kassa.order.domain import Order, Stage
from kassa.order.machine import is_guest
from kassa.order.personal import of_address
from kassa.order.sales import AT_ONCE, MOST_READ, newest
from kassa.order.work import refunded_minor

MOST_LOOKED_AT = 5_000
"""Orders that one page of customers looks through, the newest first."""
_PAID = (Stage.CONFIRMED, Stage.REFUNDED)
ContactOf = Callable[[str], Awaitable[Contact]] | None


class Customer(msgspec.Struct, frozen=True):
    """Who has ordered: the account's id, or None for a guest, who is known by the e-mail address alone. `spent_minor`
    is what they paid less what went back; of no more than MOST_READ orders, if there `is_more`. `last` is the newest
    order."""

    user_id: str | None
    email: str
    name: str
    orders: int
    spent_minor: int
    is_more: bool
    first_at: Millis
    last: Order


class Customers(msgspec.Struct, frozen=True):
    """Some customers, who ordered last first. `after` is the order behind which the next ones are looked for, None if
    there are no more; `looked_back_to` is set where a page ends early because so many orders were looked through."""

    found: list[Customer]
    after: str | None = None
    looked_back_to: Millis | None = None


async def of_account(orders: Collection[Order], user_id: str, contact_of: ContactOf) -> Customer | None:
    """The customer with this account; None if they have not ordered."""
    last = None if is_guest(user_id) else await _newest_of(orders, {"user_id": user_id}, is_guests=False)
    return await _told(orders, last, contact_of) if last else None


async def of_guest(orders: Collection[Order], email: str, contact_of: ContactOf) -> Customer | None:
    """Who has ordered as a guest with this address; None if nobody has."""
    last = await _newest_of(orders, of_address(one_spelling(email)), is_guests=True)
    return await _told(orders, last, contact_of) if last else None


async def customers(
    orders: Collection[Order], words: str, limit: int, after: str | None, contact_of: ContactOf
) -> Customers:
    """Some of those who have ordered; with `words` only those whose newest order has all of them in its e-mail address
    or its names."""
    lasts, more_after, oldest = await _newest(orders, words.casefold().split(), limit, after)
    found = await asyncio.gather(*(_told(orders, each, contact_of) for each in lasts))
    return Customers(list(found), more_after, oldest)


async def _newest(
    orders: Collection[Order], words: list[str], limit: int, after: str | None
) -> tuple[list[Order], str | None, Millis | None]:
    """The newest orders of so many customers, behind what to go on if there may be more, and how far it was looked if
    that was far enough."""
    found: list[Order] = []
    seen: set[str] = set()
    at, looked_at = after, 0
    while page := await orders.find({}, limit=AT_ONCE, after=at):
        for order in page:
            who = _who(order)
            if who is not None and who not in seen:
                seen.add(who)
                # On the first page the first order of somebody is their newest one.
                if _has(order, words) and (after is None or await _is_newest(orders, order)):
                    if len(found) == limit:
                        return found, at, None
                    found.append(order)
            at, looked_at = order.id, looked_at + 1
        if len(page) < AT_ONCE:
            break
        if looked_at >= MOST_LOOKED_AT:
            return found, at, page[-1].created_at
    return found, None, None


def _who(order: Order) -> str | None:
    """By what a customer is known; None for an order that was never placed, or whose guest was forgotten."""
    if order.stage is Stage.FAILED:
        return None
    return _email(order) or None if is_guest(order.user_id) else order.user_id


def _email(order: Order) -> str:
    return order.sale.email if order.sale is not None else ""


def _name(order: Order) -> str:
    places = (order.sale.destination, order.sale.billing) if order.sale is not None else ()
    return next((each.name for each in places if each is not None and each.name), "")


def _has(order: Order, words: list[str]) -> bool:
    text = f"{_email(order)} {_name(order)}".casefold()
    return all(word in text for word in words)


def _of_same(order: Order) -> Where:
    """What finds the orders of the same customer; where that is a guest, those of accounts with their address, too."""
    return of_address(_email(order)) if is_guest(order.user_id) else {"user_id": order.user_id}


async def _newest_of(orders: Collection[Order], where: Where, *, is_guests: bool) -> Order | None:
    found = await orders.find(where, limit=AT_ONCE if is_guests else 1)
    return next((each for each in found if is_guest(each.user_id) is is_guests), None)


async def _is_newest(orders: Collection[Order], order: Order) -> bool:
    last = await _newest_of(orders, _of_same(order), is_guests=is_guest(order.user_id))
    return last is not None and last.id == order.id


async def _told(orders: Collection[Order], last: Order, contact_of: ContactOf) -> Customer:
    own = [each for each in await newest(orders, _of_same(last)) if _who(each) == _who(last)]
    spent = sum(each.total_minor - refunded_minor(each) for each in own if each.stage in _PAID)
    user_id = None if is_guest(last.user_id) else last.user_id
    email, name = _email(last), _name(last)
    if user_id is not None and contact_of is not None and not (email and name):
        known = await _contact(user_id, contact_of)
        email, name = (email or known.email, name or known.name) if known else (email, name)
    first = min((each.created_at for each in own), default=last.created_at)
    return Customer(user_id, email, name, len(own), spent, len(own) >= MOST_READ, first, last)


async def _contact(user_id: str, contact_of: Callable[[str], Awaitable[Contact]]) -> Contact | None:
    """Whom to write to; None if the account was erased, or cannot be asked about just now."""
    try:
        return await contact_of(user_id)
    except (NotFound, Unavailable):
        return None
