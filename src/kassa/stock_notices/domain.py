"""What an address waits for, and what follows from what happens to it. Pure."""

from enum import StrEnum

import msgspec

from kassa.kit import inputs
from kassa.kit.clock import DAY, Millis
from kassa.kit.effects import Aggregate, Effect, planned, with_todos, without

CONFIRMED_WITHIN: Millis = 3 * DAY
"""How long an address is kept that nobody has confirmed."""
KEPT: Millis = 180 * DAY
"""How long a confirmed one is kept for goods that do not come back."""
MOST_WAITING = 50
"""Products that one address can wait for."""
MOST_UNCONFIRMED = 3
"""Mails that strangers can have sent to an address, until the first of them is too old to be answered."""
TOLD_A_PIECE = 5
"""So many are told for each piece that there is, those first who asked first; more at the next look, if it is still
there. Else hundreds would come for one piece."""
MOST_TOLD = 100
"""At one look, of one product."""


class Todo(StrEnum):
    """The effects of a stock notice. Append only."""

    MAIL_CONFIRM = "mail_confirm"
    MAIL_BACK = "mail_back"
    FORGET = "forget"


class Happened(StrEnum):
    """What can happen to a stock notice. Append only."""

    ASKED = "asked for"
    CONFIRMED = "confirmed"
    BACK = "back in stock"


FOLLOWS: dict[Happened, tuple[Todo, ...]] = {
    Happened.ASKED: (Todo.MAIL_CONFIRM, Todo.FORGET),
    Happened.CONFIRMED: (Todo.FORGET,),
    Happened.BACK: (Todo.MAIL_BACK,),
}
"""What follows from it."""
_FORGOTTEN_AFTER = {Happened.ASKED: CONFIRMED_WITHIN, Happened.CONFIRMED: KEPT}


class StockNotice(Aggregate, frozen=True, kw_only=True):
    """One address asks to be told of one product; `ask` is both. `waiter` is what the address's token is known by.
    `email` is empty where it was refused: the rest stays until its time is over, so that the address is not written to
    again. `waits_for` is the product, while it is confirmed and not back yet."""

    ask: str
    waiter: str
    product_id: str
    email: str
    locale: str
    asked_at: Millis
    confirmed_at: Millis | None = None
    waits_for: str | None = None

    def __repr__(self) -> str:
        return f"StockNotice(id={self.id!r}, product_id={self.product_id!r})"


def asked(id: str, waiter: str, product_id: str, email: str, locale: str, now: Millis) -> StockNotice:
    """A new one, which its address has to confirm."""
    notice = StockNotice(
        id=id,
        ask=inputs.stock_notice(waiter, product_id),
        waiter=waiter,
        product_id=product_id,
        email=email,
        locale=locale,
        asked_at=now,
    )
    return _after(notice, Happened.ASKED, now)


def confirmed(notice: StockNotice, email: str, now: Millis) -> StockNotice:
    """The notice of an address that is known to want it; the very same if it was known before."""
    if notice.confirmed_at is not None:
        return notice
    known = msgspec.structs.replace(notice, email=email, confirmed_at=now, waits_for=notice.product_id)
    return _after(without(known, lambda _: True, now), Happened.CONFIRMED, now)


def back(notice: StockNotice, now: Millis) -> StockNotice:
    """The notice when its product can be bought again; the very same if it does not wait."""
    if notice.waits_for is None:
        return notice
    return _after(msgspec.structs.replace(notice, waits_for=None), Happened.BACK, now)


def waiting_on(notice: StockNotice) -> StockNotice:
    """The notice when its product was gone again before the mail was sent."""
    return msgspec.structs.replace(notice, waits_for=notice.product_id)


def refused(notice: StockNotice, now: Millis) -> StockNotice:
    """The notice of somebody who has not asked for it."""
    nameless = msgspec.structs.replace(notice, email="")
    return without(nameless, lambda effect: effect.kind == Todo.MAIL_CONFIRM, now)


def _after(notice: StockNotice, happened: Happened, now: Millis) -> StockNotice:
    def plan(current: StockNotice, todo: Todo) -> Effect:
        at = now + _FORGOTTEN_AFTER[happened] if todo is Todo.FORGET else None
        return planned(current, todo, now, at=at, since=str(now))

    return with_todos(notice, FOLLOWS[happened], plan)
