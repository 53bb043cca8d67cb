"""Whatever staff and buyers do with an order's goods, in whichever order: what is sent, set aside and returned goes
together, and nothing that was ordered is sent and refunded instead."""

from collections.abc import Callable

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from kassa.contracts.inventory import Line
from kassa.contracts.order import OrderItem
from kassa.contracts.parcels import Aside
from kassa.kit.audit import Cause
from kassa.kit.problem import Problem
from kassa.order import returning, sending
from kassa.order.domain import Input, Kind, Order, Stage
from kassa.order.machine import MACHINE, placed
from kassa.order.parcels import Parcels, Return, ReturnState, Shipment, left_to_send, ordered
from kassa.order.sending import Fulfilment, fulfilment

PRODUCTS = ("prd_1", "prd_2", "prd_3")
ITEMS = (
    OrderItem("prd_1", "Mug", 3, 500),
    OrderItem("prd_2", "Plate", 1, 700),
    OrderItem("prd_3", "Song", 2, 100, True),
)
_IDS = st.sampled_from(["a", "b", "c", "d"])
_LINES = st.lists(
    st.builds(Line, st.sampled_from(PRODUCTS), st.integers(1, 3)),
    min_size=1,
    max_size=3,
    unique_by=lambda it: it.product_id,
)


def paid() -> Order:
    order = placed("ord_1", "usr_1", ITEMS, "usd", 60_000, Cause("placed", "usr_1"), 0)
    return msgspec.structs.replace(order, stage=Stage.CONFIRMED, status="CONFIRMED", payment_id="pay_1")


def _shipment(id: str) -> Shipment:
    return Shipment(id=f"shp_{id}", number=0, lines=(), sent_at=0)


def _return(id: str, lines: list[Line], *, by_staff: bool) -> Return:
    state = ReturnState.APPROVED if by_staff else ReturnState.REQUESTED
    return Return(
        id=f"rtn_{id}", number=0, lines=tuple(lines), state=state, is_by_staff=by_staff, asked_at=0, updated_at=0
    )


def _aside(order: Order, id: str, lines: list[Line], return_id: str) -> Parcels:
    left = {} if return_id else left_to_send(order.items, order.sending)
    unsent = [Line(each.product_id, min(each.quantity, left.get(each.product_id, 0))) for each in lines]
    return returning.with_aside(order, f"rfd_{id}", Aside(lines, [each for each in unsent if each.quantity], return_id))


Deed = Callable[[Order], Parcels]
_NUMBERS = st.integers(1, 3)
DEEDS: st.SearchStrategy[Deed] = st.one_of(
    st.builds(lambda it, lines: lambda order: sending.with_shipment(order, _shipment(it), lines, None), _IDS, _LINES),
    st.builds(lambda number: lambda order: sending.with_delivered(order, number, 1), _NUMBERS),
    st.builds(lambda number: lambda order: sending.with_cancelled(order, number, 1), _NUMBERS),
    st.builds(
        lambda name, lines, staff: lambda order: returning.with_return(order, _return(name, lines, by_staff=staff)),
        _IDS, _LINES, st.booleans(),
    ),
    st.builds(
        lambda number, to, lines: lambda order: returning.with_state(
            order, number, to, 1, "", lines if to is ReturnState.RECEIVED else ()
        ),
        _NUMBERS, st.sampled_from(list(ReturnState)[1:]), _LINES,
    ),
    st.builds(
        lambda name, lines, of: lambda order: _aside(order, name, lines, of and f"rtn_{of}"),
        _IDS, _LINES, st.one_of(st.just(""), _IDS),
    ),
    st.builds(lambda name, lines: lambda order: returning.without_aside(order, f"rfd_{name}", lines), _IDS, _LINES),
    st.builds(lambda name, lines: lambda order: returning.with_come_back(order, f"rfd_{name}", lines), _IDS, _LINES),
)  # fmt: skip


@given(st.lists(DEEDS, min_size=5, max_size=40))
def test_whatever_is_done_no_piece_is_sent_or_given_back_twice(deeds: list[Deed]) -> None:
    order = paid()
    for number, deed in enumerate(deeds):
        try:
            parcels = deed(order)
        except Problem:
            continue
        order = MACHINE.after(order, Input(Kind.SHIPPED, Cause(f"in_{number}", "usr_1"), parcels=parcels), 1)
        assert MACHINE.broken(order) == set()
        whole, now = ordered(ITEMS), order.sending
        for product_id in PRODUCTS:
            count = whole[product_id]
            assert now.sent.get(product_id, 0) + now.withheld.get(product_id, 0) <= count
            assert now.refunded.get(product_id, 0) <= count
            assert now.shelved.get(product_id, 0) <= count
        assert now.sent.get("prd_3", 0) == 0
        is_all_there = not any(left_to_send(ITEMS, now).values())
        assert (fulfilment(order) in (Fulfilment.UNFULFILLED, Fulfilment.PARTLY)) is not is_all_there


@given(st.lists(DEEDS, min_size=1, max_size=20))
def test_the_same_deed_twice_changes_nothing_the_second_time(deeds: list[Deed]) -> None:
    order = paid()
    for number, deed in enumerate(deeds):
        try:
            parcels = deed(order)
        except Problem:
            continue
        order = msgspec.structs.replace(order, parcels=parcels, version=number)
        try:
            again = deed(order)
        except Problem:
            continue  # What is asked for once more in other words is more than is left.
        assert again == order.sending
