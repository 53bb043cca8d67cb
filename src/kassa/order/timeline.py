"""The timeline: everything that ever happened to one order, in order, in words that an operator understands."""

import asyncio
from collections.abc import Awaitable, Iterator

from kassa.contracts.inventory import Inventory
from kassa.contracts.payment import Payments
from kassa.kit.audit import AuditEntry, TimelineEntry
from kassa.kit.inputs import reservation_of, restock_id
from kassa.kit.problem import Unavailable
from kassa.kit.text import counted, ended
from kassa.order.domain import Kind, Order, Reason, Stage, Todo

SERVICE = "order"

_WORDS: dict[str, str] = {
    Kind.PLACED: "The order was placed; its stock is held.",
    Kind.NEVER_PLACED: "Making the order was interrupted by a crash; its stock is released.",
    Kind.CLOSE: "The order is being closed; Stripe decides whether money came meanwhile.",
    Kind.PAID: "The order is paid.",
    Kind.UNWANTED: "Money came though the order had been cancelled: it goes back.",
    Kind.ENDED: "No money comes for the order: it is cancelled.",
    Kind.HELD: "Money came late, and there is still stock: it is held once more.",
    Kind.SOLD_OUT: "Money came late, and the goods are sold: it goes back.",
    Kind.FULLY_REFUNDED: "All of the money went back.",
    Kind.PARTLY_REFUNDED: "What is refunded of the money has changed.",
    Kind.RETURNED: "The goods come back with the refund.",
}
_REFUNDS = {
    "pending": "A refund is on its way.",
    "requires_action": "A refund waits for something that the buyer must do.",
    "succeeded": "A part of the money went back.",
    "failed": "A refund failed.",
    "canceled": "A refund was cancelled.",
}
"""Why not all of the money is back: the state of the refund that was told of."""
_NOT_ALL_ANY_MORE = "A refund failed: not all of the money is back any more."
_DONE = {
    Todo.CLOSE_PAYMENT: "The payment was settled with Stripe.",
    Todo.COMMIT: "The stock is sold.",
    Todo.RELEASE: "The stock can be bought again.",
    Todo.RESERVE_AGAIN: "The stock was asked for once more.",
    Todo.REFUND_LATE: "A refund of the late money was requested.",
    Todo.RESTOCK: "The goods are back on the shelf.",
}
_REASONS = {
    Reason.CANCELLED_BY_BUYER: "the buyer cancelled",
    Reason.CANCELLED_BY_OPERATOR: "an administrator cancelled",
    Reason.EXPIRED: "it was not paid in time",
    Reason.DECLINED: "the card was declined",
    Reason.PAYMENT_FAILED: "the payment failed",
    Reason.AMOUNT_MISMATCH: "another amount was paid",
}


_MOVES = {"reserve": "held", "commit": "sold", "release": "for sale again", "restock": "back on the shelf"}


async def timeline(order: Order, payments: Payments, inventory: Inventory) -> list[TimelineEntry]:
    """The order's own entries, its payment's and its stock's, the earliest first. While a service cannot be reached,
    an entry says that its part is missing."""
    theirs, moves = await asyncio.gather(
        _part(order, "payment", payments.history(order.id)), _part(order, "inventory", _moves(order, inventory))
    )
    return sorted([*_audit(order), *_effects(order), *moves, *theirs], key=lambda entry: entry.at)


async def _part(order: Order, service: str, asking: Awaitable[list[TimelineEntry]]) -> list[TimelineEntry]:
    try:
        return await asking
    except Unavailable:
        text = f"The {'stock' if service == 'inventory' else service}'s part cannot be had right now."
        return [TimelineEntry(order.updated_at, service, "missing", text, {})]


async def _moves(order: Order, inventory: Inventory) -> list[TimelineEntry]:
    reservations = [reservation_of(order.id, generation + 1) for generation in range(order.generation)]
    returns = (effect.args for effect in order.effects if effect.kind == Todo.RESTOCK)
    restocked = {restock_id(order.id, args.get("refund", "")) for args in returns}
    names = {item.product_id: item.name for item in order.items}
    return [
        TimelineEntry(
            each.at,
            "inventory",
            f"stock {each.kind}",
            f"{each.quantity} × {names.get(each.product_id, each.product_id)}: {_MOVES.get(each.kind, each.kind)}.",
            {"product": each.product_id, "by": each.who},
        )
        for each in await inventory.moved([*reservations, *sorted(restocked)], list(names))
    ]


def _audit(order: Order) -> Iterator[TimelineEntry]:
    for entry in order.audit:
        because = _REASONS.get(Reason(entry.why)) if entry.why in Reason.__members__.values() else None
        words = _words(entry)
        text = f"{words} The reason: {because}." if because else words
        data = {
            "by": entry.who,
            "from": entry.from_state,
            "to": entry.to_state,
            "input": entry.input_id,
            "request": entry.request_id,
        }
        yield TimelineEntry(entry.at, SERVICE, str(entry.what), text, {key: each for key, each in data.items() if each})


def _words(entry: AuditEntry) -> str:
    if entry.what == Kind.PARTLY_REFUNDED and entry.from_state == Stage.REFUNDED:
        return _NOT_ALL_ANY_MORE
    if entry.what == Kind.PARTLY_REFUNDED and entry.why in _REFUNDS:
        return _REFUNDS[entry.why]
    return _WORDS.get(entry.what, f"{entry.what}.")


def _effects(order: Order) -> Iterator[TimelineEntry]:
    for effect in order.effects:
        words = _DONE.get(Todo(effect.kind))
        if words and effect.done_at is not None:
            yield TimelineEntry(effect.done_at, SERVICE, effect.kind, words, {"effect": effect.id, **effect.args})
        elif effect.done_at is None and effect.attempts:
            tried = counted(effect.attempts, "time")
            text = f"Not done yet ({effect.kind}): tried {tried}, the last time: {ended(effect.error)}"
            yield TimelineEntry(effect.due_at, SERVICE, "waiting", text, {"effect": effect.id})
