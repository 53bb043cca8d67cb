"""Every state of an order times everything that can happen to it."""

import itertools

import msgspec
import pytest

from kassa.contracts.inventory import Line
from kassa.contracts.order import OrderItem, Sale
from kassa.contracts.parts import DiscountPart, LinePart, Parts
from kassa.kit.audit import Cause
from kassa.kit.effects import has_seen
from kassa.kit.problem import Unavailable
from kassa.order.domain import STATUS, TRANSITIONS, Input, Kind, Order, Reason, Stage, Todo
from kassa.order.machine import MACHINE, MAILS, interpret, never_placed, placed
from kassa.order.parcels import Parcels, Shipment

NOW = 1_000_000
DEADLINE = NOW + 60_000

OF_PARCELS = (
    "delivered",
    "shipment cancelled",
    "set aside",
    "set free",
    "return requested",
    "return approved",
    "return declined",
    "return received",
    "return closed",
    "withdrawal closed",
)
"""What changes nothing of the money, whether it is there or went back."""

# What is expected, written once more by hand and by another rule than the table: stage, input, next stage, effects.
EXPECTED = {
    ("", "place"): ("PENDING", ["expire"]),
    ("", "fail"): ("FAILED", ["release_stock"]),
    ("", "place for nothing"): ("CONFIRMED", ["commit_stock"]),
    ("PENDING", "close"): ("CLOSING", ["close_payment"]),
    ("PENDING", "paid"): ("CONFIRMED", ["invoice", "commit_stock"]),
    ("PENDING", "ended"): ("CANCELLED", ["release_stock"]),
    ("CLOSING", "paid"): ("CONFIRMED", ["invoice", "commit_stock"]),
    ("CLOSING", "ended"): ("CANCELLED", ["release_stock"]),
    ("CANCELLED", "paid"): ("REVIVING", ["reserve_again"]),
    ("CANCELLED", "unwanted money"): ("CANCELLED", ["refund_late"]),
    ("REVIVING", "held again"): ("CONFIRMED", ["invoice", "commit_stock"]),
    ("REVIVING", "sold out"): ("CANCELLED", ["refund_late"]),
    ("FAILED", "paid"): ("FAILED", ["refund_late"]),
    ("CONFIRMED", "fully refunded"): ("REFUNDED", ["invoice"]),
    ("CONFIRMED", "partly refunded"): ("CONFIRMED", ["invoice"]),
    ("REFUNDED", "fully refunded"): ("REFUNDED", ["invoice"]),
    ("REFUNDED", "partly refunded"): ("CONFIRMED", ["invoice"]),
    ("CONFIRMED", "goods come back"): ("CONFIRMED", ["restock"]),
    ("REFUNDED", "goods come back"): ("REFUNDED", ["restock"]),
    **{(str(stage), "claim"): (str(stage), ["hand_over"]) for stage in Stage},
    **{("CONFIRMED", kind): ("CONFIRMED", []) for kind in ("shipped", "held back", "let go", "redirected")},
    **{(stage, kind): (stage, []) for stage in ("CONFIRMED", "REFUNDED") for kind in OF_PARCELS},
    ("CONFIRMED", "return received, goods on the shelf"): ("CONFIRMED", ["restock"]),
    ("REFUNDED", "return received, goods on the shelf"): ("REFUNDED", ["restock"]),
    ("CONFIRMED", "called off"): ("REVOKED", ["restock"]),
    # Whoever withdraws is written to in any case.
    ("CONFIRMED", "withdrawn"): ("CONFIRMED", ["mail_withdrawn"]),
    **{(str(stage), "mail given up"): (str(stage), []) for stage in Stage},
}

# What besides is wanted of an order whose buyer is written to.
WRITTEN = {
    ("", "place"): "mail_received",
    ("", "place for nothing"): "mail_confirmed",
    ("PENDING", "paid"): "mail_confirmed",
    ("PENDING", "ended"): "mail_cancelled",
    ("CLOSING", "paid"): "mail_confirmed",
    ("CLOSING", "ended"): "mail_cancelled",
    ("REVIVING", "held again"): "mail_confirmed",
    ("REVIVING", "sold out"): "mail_cancelled",
    ("CONFIRMED", "called off"): "mail_cancelled",
    ("CONFIRMED", "shipped"): "mail_shipped",
    ("CONFIRMED", "withdrawn"): "mail_withdrawn",
}


def order_in(stage: Stage, reason: Reason = Reason.NONE) -> Order:
    """One that has come there by being paid, if it is paid."""
    items = (OrderItem("prd_1", "Mug", 2, 500),)
    in_time = placed("ord_1", "usr_1", items, "usd", DEADLINE - NOW, Cause("placed", "usr_1"), NOW)
    return msgspec.structs.replace(
        in_time,
        stage=stage,
        status=STATUS.get(stage, str(stage)),
        reason=reason,
        payment_id="pay_1" if stage in (Stage.CONFIRMED, Stage.REFUNDED, Stage.REVIVING) else None,
        generation=2 if stage is Stage.REVIVING else 1,
    )


def news(kind: Kind, reason: Reason = Reason.NONE, input_id: str = "in_1") -> Input:
    payment_id = "pay_1" if kind is Kind.PAID else None
    return Input(kind, Cause(input_id, "payment-service"), reason, payment_id)


def made(kind: Kind) -> Order:
    cause, items = Cause("in_1", "usr_1"), (OrderItem("prd_1", "Mug", 2, 500),)
    if kind is Kind.PLACED:
        return placed("ord_1", "usr_1", items, "usd", DEADLINE - NOW, cause, NOW)
    if kind is Kind.GIVEN:
        taken_off = Parts(lines=(LinePart(1000),), discounts=(DiscountPart("dsc_1", "All of it", amount_minor=1000),))
        return placed("ord_1", "usr_1", items, "usd", DEADLINE - NOW, cause, NOW, Sale(taken_off))
    return never_placed("ord_1", items, "usd", NOW, cause, NOW + 1)


def wanted(order: Order) -> list[str]:
    return [effect.kind for effect in order.effects if effect.done_at is None and effect.kind != Todo.EXPIRE]


@pytest.mark.parametrize(("stage", "kind"), list(itertools.product(Stage, Kind)))
def test_every_state_answers_every_input_as_expected(stage: Stage, kind: Kind) -> None:
    before = order_in(stage)
    after = MACHINE.apply(before, news(kind), NOW + 1)
    if (str(stage), str(kind)) not in EXPECTED:
        assert after is before
        return
    to, effects = EXPECTED[str(stage), str(kind)]
    assert (after.stage, wanted(after)) == (to, effects)
    assert after.audit[-1].from_state == stage
    assert after.audit[-1].to_state == to
    assert after.audit[-1].input_id == "in_1"
    assert after.audit[:-1] == before.audit


def test_the_table_has_no_transition_that_is_not_expected() -> None:
    assert {(str(stage or ""), str(kind)) for stage, kind in TRANSITIONS} == set(EXPECTED)


@pytest.mark.parametrize(("stage", "kind"), [pair for pair in TRANSITIONS if pair[0] is not None])
def test_a_buyer_who_is_written_to_is_written_to_where_it_is_expected(stage: Stage, kind: Kind) -> None:
    sent = Parcels(shipments=(Shipment(id="shp_1", number=1, lines=(Line("prd_1", 1),), sent_at=NOW),))
    before = msgspec.structs.replace(order_in(stage), locale="de", parcels=sent)
    mails = [each for each in wanted(MACHINE.apply(before, news(kind), NOW + 1)) if each in MAILS]
    expected = WRITTEN.get((str(stage), str(kind)))
    assert mails == ([expected] if expected else [])


@pytest.mark.parametrize("status", ["pending", "succeeded", "failed"])
@pytest.mark.parametrize("kind", [Kind.FULLY_REFUNDED, Kind.PARTLY_REFUNDED])
def test_a_buyer_is_written_to_about_a_refund_when_the_money_is_back(kind: Kind, status: str) -> None:
    before = msgspec.structs.replace(order_in(Stage.CONFIRMED), locale="de")
    after = MACHINE.apply(before, Input(kind, Cause("in_1", "payment-service", status)), NOW + 1)
    assert wanted(after) == [Todo.INVOICE, *([Todo.MAIL_REFUNDED] if status == "succeeded" else [])]


@pytest.mark.parametrize("reason", [Reason.EXPIRED, Reason.DECLINED])
def test_nobody_is_written_to_who_has_left_an_order_or_seen_a_card_declined(reason: Reason) -> None:
    before = msgspec.structs.replace(order_in(Stage.CLOSING, reason), locale="de")
    assert wanted(MACHINE.apply(before, news(Kind.ENDED, reason), NOW + 1)) == [Todo.RELEASE]


@pytest.mark.parametrize(("stage", "kind"), list(TRANSITIONS))
def test_the_same_input_twice_changes_nothing_the_second_time(stage: Stage | None, kind: Kind) -> None:
    once = MACHINE.apply(order_in(stage), news(kind), NOW + 1) if stage else made(kind)
    assert has_seen(once, "in_1")
    assert MACHINE.apply(once, news(kind), NOW + 2) is once


@pytest.mark.parametrize("kind", list(Kind))
def test_a_confirmed_order_is_never_undone_by_a_late_end(kind: Kind) -> None:
    after = MACHINE.after(order_in(Stage.CONFIRMED), news(kind), NOW + 1)
    assert after.stage in (Stage.CONFIRMED, Stage.REFUNDED)


@pytest.mark.parametrize("reason", [Reason.CANCELLED_BY_BUYER, Reason.CANCELLED_BY_OPERATOR])
def test_money_for_an_order_that_its_buyer_cancelled_goes_back(reason: Reason) -> None:
    after = MACHINE.after(order_in(Stage.CANCELLED, reason), news(Kind.PAID), NOW + 1)
    assert (after.stage, wanted(after)) == (Stage.CANCELLED, [Todo.REFUND_LATE])


@pytest.mark.parametrize("reason", [Reason.EXPIRED, Reason.DECLINED, Reason.PAYMENT_FAILED])
def test_late_money_for_any_other_ended_order_holds_the_next_generation(reason: Reason) -> None:
    after = MACHINE.after(order_in(Stage.CANCELLED, reason), news(Kind.PAID), NOW + 1)
    assert after.stage is Stage.REVIVING
    assert after.reservation_id == "ord_1.2"
    assert [effect.args["reservation"] for effect in after.effects if effect.done_at is None] == ["ord_1.2"]


def test_a_payment_revives_an_order_once() -> None:
    reviving = MACHINE.after(order_in(Stage.CANCELLED, Reason.EXPIRED), news(Kind.PAID), NOW + 1)
    sold_out = MACHINE.after(reviving, news(Kind.SOLD_OUT, Reason.SOLD_OUT, "in_2"), NOW + 2)
    assert sold_out.reason is Reason.SOLD_OUT
    assert MACHINE.after(sold_out, news(Kind.PAID, input_id="in_3"), NOW + 3) is sold_out


def test_the_reason_for_closing_outlives_the_expiry_that_it_causes() -> None:
    closing = MACHINE.after(order_in(Stage.PENDING), news(Kind.CLOSE, Reason.DECLINED), NOW + 1)
    ended = MACHINE.after(closing, news(Kind.ENDED, Reason.EXPIRED, "in_2"), NOW + 2)
    assert (ended.stage, ended.reason) == (Stage.CANCELLED, Reason.DECLINED)


def test_the_deadline_is_a_timer_that_ends_with_the_pending_state() -> None:
    pending = order_in(Stage.PENDING)
    assert pending.due_at == DEADLINE
    assert MACHINE.after(pending, news(Kind.PAID), NOW + 1).due_at != DEADLINE


def test_a_refund_with_restock_asks_for_the_goods_to_be_put_back() -> None:
    assert wanted(MACHINE.after(order_in(Stage.CONFIRMED), news(Kind.RETURNED), NOW + 1)) == [Todo.RESTOCK]


def test_orders_begin_as_the_table_says() -> None:
    for kind in (Kind.PLACED, Kind.NEVER_PLACED):
        order = made(kind)
        to, effects = EXPECTED["", str(kind)]
        assert (order.stage, [each.kind for each in order.effects]) == (to, effects)
        assert (order.audit[-1].from_state, order.audit[-1].to_state, order.total_minor) == ("", to, 1000)


@pytest.mark.parametrize("kind", [Kind.FULLY_REFUNDED, Kind.PARTLY_REFUNDED, Kind.RETURNED])
def test_news_of_refunds_waits_until_it_is_decided_what_becomes_of_late_money(kind: Kind) -> None:
    with pytest.raises(Unavailable):
        MACHINE.after(order_in(Stage.REVIVING), news(kind), NOW + 1)


def test_older_news_of_refunds_is_none_but_the_goods_come_back_all_the_same() -> None:
    newest = Input(Kind.FULLY_REFUNDED, Cause("in_1", "payment-service"), payment_version=5)
    order = MACHINE.after(order_in(Stage.CONFIRMED), newest, NOW + 1)
    older = Input(Kind.PARTLY_REFUNDED, Cause("in_2", "payment-service"), payment_version=4)
    assert interpret(order, older) is None
    assert MACHINE.after(order, older, NOW + 2) is order
    goods = Input(Kind.RETURNED, Cause("in_3", "payment-service"), payment_version=4)
    assert wanted(MACHINE.after(order, goods, NOW + 2)) == [Todo.INVOICE, Todo.RESTOCK]


def test_no_order_is_confirmed_without_a_payment() -> None:
    paid = MACHINE.after(order_in(Stage.PENDING), Input(Kind.PAID, Cause("in_1", "payment-service")), NOW + 1)
    assert MACHINE.broken(paid) == {"an order that is paid names its payment"}


def test_internal_stages_are_never_shown() -> None:
    assert {STATUS.get(stage, str(stage)) for stage in Stage} == {
        "PENDING",
        "CONFIRMED",
        "CANCELLED",
        "FAILED",
        "REFUNDED",
    }
