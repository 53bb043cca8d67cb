"""Whatever buyers withdraw, and staff sends, refunds and takes back meanwhile: it goes together, and what is owed for
it is exactly what was paid, has a deadline, and is owed no more when it is back."""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kassa.contracts.inventory import Line
from kassa.contracts.order import OrderItem
from kassa.contracts.parcels import TooManyParcels
from kassa.kit.audit import Cause
from kassa.kit.clock import DAY, HOUR, Millis, rfc3339
from kassa.kit.problem import Problem
from kassa.order.domain import Input, Kind, Order, Stage, Todo
from kassa.order.machine import MACHINE
from kassa.order.owing import owed
from kassa.order.parcels import Parcels, ReturnState, Shipment, Withdrawal, left_to_send, ordered
from kassa.order.sending import with_delivered, with_shipment
from kassa.order.withdrawing import (
    MOST_WITHDRAWALS,
    REFUND_WITHIN,
    SAME_FOR,
    period_end,
    with_closed,
    with_withdrawal,
    withdrawable,
)
from tests.domain.test_parcels import DEEDS, ITEMS, PRODUCTS, paid

NOW: Millis = 1_767_261_600_000  # Thursday, 1 January 2026, 10:00 UTC
_LINES = st.lists(
    st.builds(Line, st.sampled_from(PRODUCTS), st.integers(1, 3)), max_size=3, unique_by=lambda it: it.product_id
)


def said(id: str = "a", *lines: Line, name: str = "Ada", by_staff: bool = False) -> Withdrawal:
    return Withdrawal(
        id=f"wdr_{id}", number=0, lines=lines, name=name, is_by_staff=by_staff, received_at=0, refund_by=0
    )


def _after(order: Order, kind: Kind, number: int, parcels: Parcels | None = None, *, by_amount_minor: int = 0) -> Order:
    news = Input(kind, Cause(f"in_{number}", "usr_1"), parcels=parcels, by_amount_minor=by_amount_minor)
    return MACHINE.after(order, news, NOW + number)


def withdrawn(order: Order, *lines: Line, number: int = 1, name: str = "Ada") -> Order:
    parcels = with_withdrawal(order, said(str(number), *lines, name=name), NOW)
    return _after(order, Kind.WITHDRAWN, 1000 + number, parcels)


Deed = Callable[[Order, int], Order]
_OF_PARCELS = st.builds(lambda deed: lambda order, at: _after(order, Kind.SET_ASIDE, at, deed(order)), DEEDS)
_WITHDRAWS = st.builds(
    lambda lines, name: (
        lambda order, at: _after(
            order, Kind.WITHDRAWN, at, with_withdrawal(order, said(str(at), *lines, name=name), NOW)
        )
    ),
    _LINES,
    st.sampled_from(["Ada", "Bob"]),
)
_CLOSES = st.builds(
    lambda number: lambda order, at: _after(order, Kind.WITHDRAWAL_CLOSED, at, with_closed(order, number, "paid", NOW)),
    st.integers(1, 3),
)
_HEARS = st.builds(
    lambda amount: lambda order, at: _after(order, Kind.PARTLY_REFUNDED, at, by_amount_minor=amount),
    st.integers(0, 2600),
)
_ENDS = st.sampled_from([Kind.FULLY_REFUNDED, Kind.PARTLY_REFUNDED]).map(
    lambda kind: lambda order, at: _after(order, kind, at)
)


@given(st.lists(st.one_of(_WITHDRAWS, _OF_PARCELS, _WITHDRAWS, _CLOSES, _HEARS, _ENDS), min_size=5, max_size=30))
def test_whatever_is_withdrawn_sent_and_refunded_goes_together(deeds: list[Deed]) -> None:
    order = paid()
    for number, deed in enumerate(deeds):
        try:
            after = deed(order, number)
        except Problem:
            continue
        # What was withdrawn before it was sent is never to be sent again.
        for product_id, quantity in left_to_send(ITEMS, after.sending).items():
            kept = sum(each.quantity for made in after.sending.withdrawals for each in made.withheld
                       if each.product_id == product_id)  # fmt: skip
            assert quantity + kept <= ordered(ITEMS)[product_id]
        order = after
        assert MACHINE.broken(order) == set()
        now, due = order.sending, owed(order)
        for product_id in PRODUCTS:
            assert now.withdrawn.get(product_id, 0) <= ordered(ITEMS)[product_id]
            assert withdrawable(order).get(product_id, 0) >= 0
        assert 0 <= due.amount_minor <= order.total_minor
        timers = [each for each in order.effects if each.kind == Todo.REFUND_DUE and each.done_at is None]
        assert len(timers) == (due.refund_by is not None)
        assert order.refund_by == due.refund_by


@given(st.lists(st.integers(1, 3), min_size=1, max_size=3), st.integers(1, 999))
def test_all_of_it_costs_what_was_paid_in_whichever_parts_it_is_withdrawn(parts: list[int], price: int) -> None:
    order = msgspec.structs.replace(
        paid(), items=(OrderItem("prd_1", "Mug", sum(parts), price),), total_minor=sum(parts) * price
    )
    for number, quantity in enumerate(parts, 1):
        order = withdrawn(order, Line("prd_1", quantity), number=number, name=f"Ada {number}")
    assert sum(each.amount_minor for each in order.sending.withdrawals) == order.total_minor
    assert owed(order).amount_minor == order.total_minor
    order = _after(order, Kind.PARTLY_REFUNDED, 1, by_amount_minor=order.total_minor - 1)
    assert owed(order).amount_minor == 1
    assert owed(_after(order, Kind.PARTLY_REFUNDED, 2, by_amount_minor=order.total_minor)).amount_minor == 0


def test_the_timer_follows_the_oldest_that_is_not_refunded() -> None:
    order = withdrawn(paid(), Line("prd_1", 1))
    parcels = with_withdrawal(order, said("2", Line("prd_2", 1)), NOW + DAY)
    order = _after(order, Kind.WITHDRAWN, 2, parcels)
    assert order.refund_by == NOW + REFUND_WITHIN
    order = _after(order, Kind.PARTLY_REFUNDED, 3, by_amount_minor=500)
    assert order.refund_by == NOW + DAY + REFUND_WITHIN
    (timer,) = [each for each in order.effects if each.kind == Todo.REFUND_DUE and each.done_at is None]
    assert timer.at == NOW + DAY + REFUND_WITHIN
    gone = _after(order, Kind.FULLY_REFUNDED, 4)
    assert (gone.refund_by, gone.stage) == (None, Stage.REFUNDED)
    assert _after(gone, Kind.PARTLY_REFUNDED, 5, by_amount_minor=0).refund_by == NOW + REFUND_WITHIN


def _sent(order: Order, at: Millis) -> Order:
    shipment = Shipment(id="shp_1", number=0, lines=(), sent_at=0)
    order = _after(order, Kind.SHIPPED, 50, with_shipment(order, shipment, (), None))
    return _after(order, Kind.DELIVERED, 51, with_delivered(order, 1, at))


@pytest.mark.parametrize(
    ("delivered", "days", "ends"),
    [
        (NOW, 14, "2026-01-16T01:00"),  # Thursday, the 15th, is over everywhere
        (NOW + 2 * DAY, 14, "2026-01-20T01:00"),  # the 17th is a Saturday
        (NOW + 3 * DAY, 14, "2026-01-20T01:00"),  # the 18th is a Sunday
        (NOW + 12 * HOUR, 14, "2026-01-17T01:00"),  # at 22:00 UTC it is the 2nd in Helsinki
        (NOW, 30, "2026-02-03T01:00"),  # Saturday, the 31st
    ],
)
def test_the_last_day_is_over_nowhere_sooner_than_by_the_buyers_clock(delivered: Millis, days: int, ends: str) -> None:
    order = _sent(msgspec.structs.replace(paid(), withdrawal_days=days), delivered)
    end = period_end(order)
    assert end is not None
    assert rfc3339(end).startswith(ends)


def test_what_was_sent_is_a_return_that_is_approved() -> None:
    order = _sent(paid(), NOW)
    order = withdrawn(order, Line("prd_1", 2), Line("prd_3", 1))
    (coming,) = order.sending.returns
    assert (coming.state, coming.lines) == (ReturnState.APPROVED, (Line("prd_1", 2),))
    assert order.sending.withdrawals[0].withheld == ()


def test_the_same_words_are_the_same_withdrawal_for_a_while() -> None:
    order = withdrawn(paid(), Line("prd_1", 1))
    again = said("other", Line("prd_1", 1))
    assert with_withdrawal(order, again, NOW + SAME_FOR - 1) is order.sending
    assert len(with_withdrawal(order, again, NOW + SAME_FOR).withdrawals) == 2
    assert len(with_withdrawal(order, said("other", Line("prd_1", 2)), NOW).withdrawals) == 2


def test_an_order_has_no_more_withdrawals_than_a_document_can_hold() -> None:
    items = (OrderItem("prd_1", "Mug", 100, 500),)
    order = msgspec.structs.replace(paid(), items=items, total_minor=50_000)
    for number in range(MOST_WITHDRAWALS):
        order = withdrawn(order, Line("prd_1", 1), number=number, name=f"Ada {number}")
    with pytest.raises(TooManyParcels):
        with_withdrawal(order, said("more", Line("prd_1", 1)), NOW)
