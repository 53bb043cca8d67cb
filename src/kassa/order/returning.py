"""What comes back of an order, and what is set aside for its refunds: what becomes of its parcels. Pure.

Each function returns the parcels as they are afterwards; the very same if that is so already. Or it refuses.
"""

from collections.abc import Sequence

import msgspec

from kassa.contracts.inventory import Line, summed
from kassa.contracts.parcels import (
    Aside,
    NotReturnable,
    ReturnFixed,
    TooManyParcels,
    TooManyToRefund,
    TooManyToReturn,
)
from kassa.kit.clock import Millis
from kassa.kit.problem import Invalid, NotFound, Unavailable
from kassa.kit.text import counted
from kassa.order.domain import Order, Stage, Todo
from kassa.order.parcels import (
    Parcels,
    Pieces,
    Return,
    ReturnState,
    SetAside,
    left_to_return,
    left_to_send,
    less,
    lines,
    ordered,
)
from kassa.order.sending import MOST_RETURNS, PAID

_MOVES = {
    ReturnState.APPROVED: (ReturnState.REQUESTED,),
    ReturnState.DECLINED: (ReturnState.REQUESTED,),
    ReturnState.RECEIVED: (ReturnState.APPROVED,),
    ReturnState.CLOSED: (ReturnState.REQUESTED, ReturnState.APPROVED),
}
"""From where a return comes to a state."""
REFUNDED = "refunded"
"""How a return is shown whose money goes back."""


def with_return(order: Order, asked: Return) -> Parcels:
    """With one more return; staff's is approved. What is digital comes back by staff alone."""
    parcels = order.sending
    if any(each.id == asked.id for each in parcels.returns):
        return parcels
    if order.stage not in PAID:
        raise NotReturnable(f"the order is {order.status}: only what was paid comes back")
    if len(parcels.returns) >= MOST_RETURNS:
        raise TooManyParcels(f"it has {counted(MOST_RETURNS, 'return')}: no order has more")
    left = left_to_return(order.items, parcels)
    digital = {item.product_id for item in order.items if item.is_digital}
    wanted = summed(asked.lines)
    for product_id, quantity in wanted.items():
        if product_id not in left:
            raise Invalid.field("items", f"product {product_id[:64]} is not in this order")
        if product_id in digital and not asked.is_by_staff:
            raise NotReturnable(f"product {product_id} is digital: ask the shop about it")
        if quantity > left[product_id]:
            raise TooManyToReturn(product_id, quantity, left[product_id])
    made = msgspec.structs.replace(asked, number=len(parcels.returns) + 1, lines=lines(wanted))
    return msgspec.structs.replace(parcels, returns=(*parcels.returns, made))


def return_of(order: Order, number: int) -> Return:
    """The order's return of this number; NotFound."""
    found = next((each for each in order.sending.returns if each.number == number), None)
    if found is None:
        raise NotFound(f"the order has no return {number}")
    return found


def shown_state(parcels: Parcels, asked: Return) -> str:
    """Where the return stands, as the wire shows it: refunded as soon as money goes back for it."""
    return REFUNDED if parcels.refunded_of(asked.id) else str(asked.state)


def with_state(
    order: Order, number: int, to: ReturnState, at: Millis, answer: str = "", shelved: Sequence[Line] = ()
) -> Parcels:
    """With the return in another state; `shelved` of its pieces go back on the shelf."""
    asked = return_of(order, number)
    if asked.state is to:
        return order.sending
    if asked.state not in _MOVES[to]:
        raise ReturnFixed(f"return {number} is {asked.state}: it cannot be {to} any more")
    if to is ReturnState.CLOSED and order.sending.refunded_of(asked.id):
        raise ReturnFixed(f"return {number} is refunded: it cannot be closed any more")
    moved = msgspec.structs.replace(
        asked, state=to, answer=answer, shelved=_shelved(order, asked, shelved), updated_at=at
    )
    kept = tuple(moved if each.number == number else each for each in order.sending.returns)
    return msgspec.structs.replace(order.sending, returns=kept)


def _shelved(order: Order, asked: Return, wanted: Sequence[Line]) -> tuple[Line, ...]:
    of, left, found = summed(asked.lines), less(left_to_shelve(order), _by_refunds(order)), summed(wanted)
    for product_id, quantity in found.items():
        if quantity > of.get(product_id, 0):
            raise Invalid.field("restock", f"more of product {product_id[:64]} than are in the return")
        if quantity > left[product_id]:
            raise Invalid.field("restock", f"more of product {product_id} than are not on the shelf yet")
    return lines(found)


def left_to_shelve(order: Order) -> Pieces:
    """How many of the pieces that were ordered have not gone back on the shelf with a return."""
    return less(ordered(order.items), order.sending.shelved)


def _by_refunds(order: Order) -> Pieces:
    """The pieces that went back on the shelf with refunds."""
    of_returns = {each.id for each in order.sending.returns}
    texts = [
        each.args.get("pieces", "")
        for each in order.effects
        if each.kind == Todo.RESTOCK and each.args.get("refund", "") not in of_returns
    ]
    pieces = [each.rpartition(":") for text in texts for each in text.split()]
    return summed(Line(product_id, int(quantity)) for product_id, _, quantity in pieces)


def with_aside(order: Order, refund_id: str, wanted: Aside) -> Parcels:
    """With pieces set aside for a refund: those that must not have been sent will not be; or they are of a return.
    TooManyToRefund if they were sent meanwhile. Unavailable while it is not known whether the order is paid."""
    parcels = order.sending
    if parcels.aside_of(refund_id) is not None:
        return parcels
    if order.stage in (Stage.PENDING, Stage.CLOSING, Stage.REVIVING):
        raise Unavailable("the order has not heard yet of the money that is to go back")
    asked, unsent = summed(wanted.items), summed(wanted.unsent)
    left = less(ordered(order.items), parcels.refunded) if order.stage in PAID else {}
    if wanted.return_id:
        left = _left_of_return(order, wanted.return_id, left)
    for pieces, among in ((asked, left), (unsent, left_to_send(order.items, parcels))):
        for product_id, quantity in pieces.items():
            if quantity > among.get(product_id, 0):
                raise TooManyToRefund(product_id, quantity, among.get(product_id, 0))
    return _with_aside(parcels, SetAside(refund_id, lines(asked), lines(unsent), wanted.return_id))


def _left_of_return(order: Order, return_id: str, left: Pieces) -> Pieces:
    found = next((each for each in order.sending.returns if each.id == return_id), None)
    if found is None or found.state not in (ReturnState.APPROVED, ReturnState.RECEIVED):
        state = "not there" if found is None else str(found.state)
        raise ReturnFixed(f"the return is {state}: only one that is approved or received is refunded")
    of = less(summed(found.lines), order.sending.refunded_of(return_id))
    return {product_id: min(quantity, left.get(product_id, 0)) for product_id, quantity in of.items()}


def without_aside(order: Order, refund_id: str, shelved: Sequence[Line]) -> Parcels:
    """Without what was set aside for a refund that has come to nothing; what has gone back on the shelf with it is not
    sent all the same."""
    aside = order.sending.aside_of(refund_id)
    if aside is None:
        return order.sending
    kept = first(summed(aside.withheld), summed(shelved))
    others = tuple(each for each in order.sending.aside if each.refund_id != refund_id)
    return msgspec.structs.replace(order.sending, aside=(*others, SetAside(refund_id, (), kept)) if kept else others)


def with_come_back(order: Order, refund_id: str, back: Sequence[Line]) -> Parcels:
    """With what has gone back on the shelf with a refund for which nothing was set aside: what of it was not sent will
    not be."""
    parcels = order.sending
    if parcels.aside_of(refund_id) is not None:
        return parcels
    withheld = first(summed(back), left_to_send(order.items, parcels))
    return _with_aside(parcels, SetAside(refund_id, (), withheld)) if withheld else parcels


def first(wanted: Pieces, left: Pieces) -> tuple[Line, ...]:
    """As many of the wanted ones as are left, as lines."""
    return lines({product_id: min(quantity, left.get(product_id, 0)) for product_id, quantity in wanted.items()})


def _with_aside(parcels: Parcels, aside: SetAside) -> Parcels:
    return msgspec.structs.replace(parcels, aside=(*parcels.aside, aside))
