"""The timeline: everything that ever happened to one order, in order, in words that an operator understands."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import msgspec

from kassa.contracts.auth import Contact
from kassa.contracts.inventory import Inventory
from kassa.contracts.payment import Payments
from kassa.kit.audit import AuditEntry, TimelineEntry
from kassa.kit.ids import USER, is_id
from kassa.kit.inputs import reservation_of, restock_id
from kassa.kit.problem import NotFound, Unavailable
from kassa.kit.text import counted, ended
from kassa.order.domain import Kind, Order, Reason, Stage, Todo

SERVICE = "order"

# In place of {} stands why, as the audit has it.
_WORDS: dict[str, str] = {
    Kind.PLACED: "The order was placed; its stock is held.",
    Kind.CLAIMED: "The guest's order was taken into an account.",
    Kind.GIVEN: "The order was placed. Discounts take off all that it costs, so that nothing is to be paid.",
    Kind.NEVER_PLACED: "Making the order was interrupted by a crash; its stock is released.",
    Kind.CLOSE: "The order is being closed; Stripe decides whether money came meanwhile.",
    Kind.PAID: "The order is paid.",
    Kind.UNWANTED: "Money came though the order had been cancelled: it goes back.",
    Kind.ENDED: "No money comes for the order: it is cancelled.",
    Kind.HELD: "Money came late, and there is still stock: it is held once more.",
    Kind.SOLD_OUT: "Money came late, and the goods are sold: it goes back.",
    Kind.FULLY_REFUNDED: "All of the money went back.",
    Kind.PARTLY_REFUNDED: "What is refunded of the money has changed.",
    Kind.CALLED_OFF: "The order was called off. Nothing was to be paid; its goods go back on the shelf.",
    Kind.RETURNED: "The goods come back with the refund.",
    Kind.SHIPPED: "A parcel was sent: {}.",
    Kind.DELIVERED: "A parcel was delivered: {}.",
    Kind.SHIPMENT_CANCELLED: "A parcel was not sent after all: {}.",
    Kind.HELD_BACK: "The order is held back: nothing is sent for now.",
    Kind.LET_GO: "The order is not held back any more.",
    Kind.REDIRECTED: "The order goes to another address.",
    Kind.SET_ASIDE: "Goods are set aside for a refund: {}.",
    Kind.SET_FREE: "A refund has come to nothing; what was set aside for it is free again.",
    Kind.RETURN_REQUESTED: "A return was asked for: {}.",
    Kind.RETURN_APPROVED: "A return was approved: {}.",
    Kind.RETURN_DECLINED: "A return was declined: {}.",
    Kind.RETURN_RECEIVED: "A return has come: {}.",
    Kind.RETURN_SHELVED: "A return has come, and goods of it go back on the shelf: {}.",
    Kind.RETURN_CLOSED: "A return was closed, and nothing of it comes: {}.",
    Kind.WITHDRAWN: "The buyer withdrew from the contract: {}.",
    Kind.WITHDRAWAL_CLOSED: "A withdrawal was closed, and nothing more is owed for it: {}.",
    Kind.NOT_WRITTEN: "A mail to the buyer was given up: {}.",
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
    Todo.HAND_OVER: "The payment was handed over to the account.",
    Todo.RESTOCK: "The goods are back on the shelf.",
    Todo.INVOICE: "The order's invoices and credit notes were brought up to date.",
    Todo.MAIL_RECEIVED: "The buyer was emailed that the order waits to be paid.",
    Todo.MAIL_CONFIRMED: "The buyer was emailed that the order is confirmed.",
    Todo.MAIL_CANCELLED: "The buyer was emailed that the order is cancelled.",
    Todo.MAIL_REFUNDED: "The buyer was emailed about the refund.",
    Todo.MAIL_SHIPPED: "The buyer was emailed that goods are on their way.",
    Todo.MAIL_WITHDRAWN: "The buyer was emailed that the withdrawal has come.",
}
_STILL_TO = {
    Todo.EXPIRE: "end the order, which was not paid in time",
    Todo.CLOSE_PAYMENT: "settle the payment with Stripe",
    Todo.COMMIT: "take the goods off the stock",
    Todo.RELEASE: "put the goods back on sale",
    Todo.RESERVE_AGAIN: "ask for the stock once more",
    Todo.REFUND_LATE: "give the late money back",
    Todo.HAND_OVER: "hand the payment over to the account",
    Todo.RESTOCK: "put the goods back on the shelf",
    Todo.REFUND_DUE: "see that the money of a withdrawal goes back",
    Todo.INVOICE: "bring the invoices and credit notes up to date",
    Todo.MAIL_RECEIVED: "email the buyer that the order waits to be paid",
    Todo.MAIL_CONFIRMED: "email the buyer that the order is confirmed",
    Todo.MAIL_CANCELLED: "email the buyer that the order is cancelled",
    Todo.MAIL_REFUNDED: "email the buyer about the refund",
    Todo.MAIL_SHIPPED: "email the buyer that goods are on their way",
    Todo.MAIL_WITHDRAWN: "email the buyer that the withdrawal has come",
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


async def with_names(
    entries: list[TimelineEntry], buyer_id: str, contact_of: Callable[[str], Awaitable[Contact]]
) -> list[TimelineEntry]:
    """The entries with the names of those of the staff who did something, their addresses where they have given none;
    as they are, where nobody knows them any more or can be asked."""
    did = {each.data.get("by", "") for each in entries}
    names = {who: await _name(who, contact_of) for who in did if who != buyer_id and is_id(USER, who)}
    return [
        msgspec.structs.replace(each, data={**each.data, "name": name})
        if (name := names.get(each.data.get("by", ""), ""))
        else each
        for each in entries
    ]


async def _name(user_id: str, contact_of: Callable[[str], Awaitable[Contact]]) -> str:
    try:
        contact = await contact_of(user_id)
    except (NotFound, Unavailable):
        return ""
    return contact.name or contact.email


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
    return _WORDS.get(entry.what, f"{entry.what}.").format(entry.why)


def _effects(order: Order) -> Iterator[TimelineEntry]:
    given_up = {entry.input_id for entry in order.audit if entry.what == Kind.NOT_WRITTEN}
    for effect in order.effects:
        words = None if effect.id in given_up else _DONE.get(Todo(effect.kind))
        if words and effect.done_at is not None and not effect.is_dropped:
            yield TimelineEntry(effect.done_at, SERVICE, effect.kind, words, {"effect": effect.id, **effect.args})
        elif effect.done_at is None and effect.attempts:
            tried = counted(effect.attempts, "time")
            text = f"Still to {_STILL_TO[Todo(effect.kind)]}: tried {tried}, the last: {ended(effect.error)}"
            data = {"effect": effect.id, "todo": effect.kind}
            yield TimelineEntry(effect.due_at, SERVICE, "waiting", text, data)
