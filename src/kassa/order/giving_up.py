"""Giving up what an order wants and nobody can do. Of all that follows from an order only mails can be given up:
whatever else is left undone breaks a promise, about somebody's money or goods, and is tried until it is done."""

from enum import StrEnum

from kassa.contracts.order import NotGivenUp
from kassa.kit.audit import Cause
from kassa.kit.clock import Millis
from kassa.kit.effects import without
from kassa.kit.lists import numbered
from kassa.kit.wire import request_id
from kassa.order.domain import Input, Kind, Order
from kassa.order.machine import MACHINE, MAILS


class Because(StrEnum):
    """Why a mail is given up. Words of choice: what is typed could name the buyer, and an entry is never removed."""

    WRONG_ADDRESS = "wrong_address"
    TOLD_ANOTHER_WAY = "told_another_way"
    TOO_LATE = "too_late"
    NOT_WANTED = "not_wanted"


WORDS = {
    Because.WRONG_ADDRESS: "the address is wrong",
    Because.TOLD_ANOTHER_WAY: "the buyer was told another way",
    Because.TOO_LATE: "it would say what is long past",
    Because.NOT_WANTED: "the buyer wants no mail",
}


def given_up(order: Order, number: str, because: Because, who: str, now: Millis) -> Order:
    """The order, that does not want this mail any more; as it is, if that is done or was given up. NotFound,
    NotGivenUp."""
    effect = numbered(order, number, order.id)
    if effect.done_at is not None:
        return order
    if effect.kind not in MAILS:
        raise NotGivenUp(f"{effect.kind.replace('_', ' ')} is about money or goods: it is tried until it is done")
    why = f"{effect.kind}: {WORDS[because]}"
    news = Input(Kind.NOT_WRITTEN, Cause(effect.id, who, why, request_id.get()))
    return without(MACHINE.after(order, news, now), lambda each: each.id == effect.id, now)
