"""Every state of a payment times everything that Stripe can say."""

import itertools

import msgspec
import pytest

from kassa.contracts.order import OrderForPayment, OrderItem
from kassa.kit.audit import Cause
from kassa.kit.clock import MINUTE
from kassa.kit.effects import has_seen
from kassa.payment.domain import STATUS, TRANSITIONS, UNSETTLED, Decline, Input, Kind, Payment, Refund, Stage, Todo
from kassa.payment.machine import MACHINE, created, kind_of, never_asked, next_look_up
from kassa.payment.processor import SessionState

NOW = 1_000_000_000_000
EXPIRES = NOW + 31 * MINUTE


ORDER = OrderForPayment("ord_1", "usr_1", [OrderItem("prd_1", "Mug", 1, 1999)], 1999, "usd", "PENDING", True, EXPIRES)
CAUSE = Cause("made", "usr_1")


def payment_in(stage: Stage) -> Payment:
    is_at_stripe = stage in (Stage.INITIATED, Stage.PROCESSING, Stage.SUCCESS)
    return msgspec.structs.replace(
        created(ORDER, CAUSE, NOW, {}),
        stage=stage,
        status=STATUS.get(stage, str(stage)),
        session_id="cs_1" if is_at_stripe else None,
        taken_minor=1999 if stage is Stage.SUCCESS else 0,
    )


def session(**changes: object) -> SessionState:
    state = SessionState(
        id="cs_1",
        status="open",
        payment_status="unpaid",
        amount_total=1999,
        currency="usd",
        url="https://pay.example/cs_1",
        intent_id=None,
        intent_status=None,
        expires_at=EXPIRES // 1000,
        metadata={},
    )
    return msgspec.structs.replace(state, **changes)


def news(kind: Kind, input_id: str = "evt_1") -> Input:
    return Input(kind, Cause(input_id, "stripe"), session(payment_status="paid", intent_id="pi_1"))


def expected(stage: Stage, kind: Kind) -> tuple[Stage, list[Todo]] | None:
    """What must come of it, told by rules instead of by the table."""
    settled = stage not in UNSETTLED
    if kind is Kind.CLAIMED:
        return stage, []
    if kind is Kind.PAID:
        return None if stage is Stage.SUCCESS else (Stage.SUCCESS, [Todo.CONFIRM_ORDER])
    if kind is Kind.MISMATCH:
        return None if stage is Stage.SUCCESS else (Stage.FAILED, [Todo.REFUND_ALL, Todo.CANCEL_ORDER])
    if kind is Kind.PAID_AGAIN:
        return (stage, [Todo.REFUND_SECOND]) if stage in (Stage.SUCCESS, Stage.FAILED) else None
    if settled:
        return None
    if kind is Kind.UNCHANGED:
        return None if stage is Stage.CREATED else (stage, [Todo.LOOK_UP])
    if kind in (Kind.EXPIRED, Kind.FAILED):
        return Stage.FAILED, [Todo.CANCEL_ORDER]
    if kind is Kind.PROCESSING:
        return None if stage is Stage.PROCESSING else (Stage.PROCESSING, [Todo.LOOK_UP])
    if kind in (Kind.DECLINED, Kind.DECLINED_ONCE) and stage is not Stage.PROCESSING:
        return stage, [Todo.CLOSE_ORDER] if kind is Kind.DECLINED else []
    if stage is Stage.CREATED and kind is Kind.OPENED:
        return Stage.INITIATED, [Todo.LOOK_UP]
    if stage is Stage.CREATED and kind is Kind.NEVER_OPENED:
        return Stage.CLOSED, []
    return None


@pytest.mark.parametrize(("stage", "kind"), list(itertools.product(Stage, Kind)))
def test_every_state_answers_every_input_as_expected(stage: Stage, kind: Kind) -> None:
    before = payment_in(stage)
    after = MACHINE.apply(before, news(kind), NOW + 1)
    wanted = expected(stage, kind)
    if wanted is None:
        assert after is before
        return
    to, effects = wanted
    assert after.stage is to
    assert [effect.kind for effect in after.effects if effect.done_at is None] == effects
    if kind is Kind.UNCHANGED:
        assert after.audit == before.audit
        return
    assert (after.audit[-1].from_state, after.audit[-1].to_state) == (stage, to)


@pytest.mark.parametrize(("stage", "kind"), [pair for pair, move in TRANSITIONS.items() if pair[0] and move.is_told])
def test_the_same_input_twice_changes_nothing_the_second_time(stage: Stage, kind: Kind) -> None:
    once = MACHINE.apply(payment_in(stage), news(kind), NOW + 1)
    assert has_seen(once, "evt_1")
    assert MACHINE.apply(once, news(kind), NOW + 2) is once


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in (Kind.PAID_AGAIN, Kind.CLAIMED)])
def test_a_paid_payment_stays_paid_whatever_comes(kind: Kind) -> None:
    paid = MACHINE.apply(payment_in(Stage.INITIATED), news(Kind.PAID), NOW)
    assert MACHINE.apply(paid, news(kind, "evt_2"), NOW + 1) is paid


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, Kind.OPENED),
        ({"status": "expired"}, Kind.EXPIRED),
        ({"status": "complete", "payment_status": "paid"}, Kind.PAID),
        ({"status": "complete", "payment_status": "no_payment_required"}, Kind.PAID),
        ({"status": "complete", "payment_status": "paid", "amount_total": 1998}, Kind.MISMATCH),
        ({"status": "complete", "payment_status": "paid", "currency": "eur"}, Kind.MISMATCH),
        ({"status": "complete", "intent_status": "processing"}, Kind.PROCESSING),
        ({"status": "complete", "intent_status": "requires_payment_method"}, Kind.FAILED),
        ({"status": "complete", "intent_status": "canceled"}, Kind.FAILED),
    ],
)
def test_what_a_fetched_session_says(changes: dict[str, object], kind: Kind) -> None:
    assert kind_of(payment_in(Stage.INITIATED), session(**changes)) is kind


def test_an_amount_of_another_size_is_kept_to_be_refunded() -> None:
    state = session(status="complete", payment_status="paid", amount_total=5, intent_id="pi_1")
    news_of_it = Input(Kind.MISMATCH, Cause("evt_1", "stripe"), state, reason="amount_mismatch")
    after = MACHINE.apply(payment_in(Stage.INITIATED), news_of_it, NOW)
    assert (after.taken_minor, after.intent_id, after.reason) == (5, "pi_1", "amount_mismatch")


def test_a_decline_is_recorded_in_the_networks_words() -> None:
    decline = Decline(NOW, "insufficient_funds", "Your card has insufficient funds.")
    declined = Input(Kind.DECLINED, Cause("evt_1", "stripe"), decline=decline, reason="payment_declined")
    after = MACHINE.apply(payment_in(Stage.INITIATED), declined, NOW)
    assert after.declines == (decline,)
    expired = Input(Kind.EXPIRED, Cause("evt_2", "stripe"), session(status="expired"), reason="expired")
    assert MACHINE.apply(after, expired, NOW + 1).reason == "payment_declined"


def test_unsettled_payments_are_looked_up_after_2_and_15_minutes_after_expiry_and_then_hourly() -> None:
    opened = MACHINE.apply(payment_in(Stage.CREATED), Input(Kind.OPENED, Cause("c", "x"), session()), NOW)
    first = next_look_up(opened, NOW)
    second = next_look_up(opened, first)
    third = next_look_up(opened, second)
    fourth = next_look_up(opened, third)
    minutes = [(moment - NOW) // MINUTE for moment in (first, second, third, fourth)]
    assert minutes == [2, 15, 32, 92]


SAYS: dict[Kind, dict[str, object]] = {
    Kind.OPENED: {},
    Kind.EXPIRED: {"status": "expired"},
    Kind.PAID: {"status": "complete", "payment_status": "paid"},
    Kind.MISMATCH: {"status": "complete", "payment_status": "paid", "amount_total": 1998},
    Kind.PROCESSING: {"status": "complete", "intent_status": "processing"},
    Kind.FAILED: {"status": "complete", "intent_status": "canceled"},
}


@pytest.mark.parametrize("kind", list(SAYS))
def test_of_another_session_only_money_counts(kind: Kind) -> None:
    paid = MACHINE.apply(payment_in(Stage.CREATED), news(Kind.PAID), NOW + 1)
    for before in (MACHINE.apply(payment_in(Stage.CREATED), news(Kind.OPENED), NOW + 1), paid):
        other = session(id="cs_2", intent_id="pi_2", **SAYS[kind])
        after = MACHINE.after(before, Input(Kind.FETCHED, Cause("evt_2", "stripe"), other), NOW + 2)
        if kind not in (Kind.PAID, Kind.MISMATCH):
            assert after is before
        elif before is paid:
            assert (after.stage, after.session_id, after.taken_minor) == (Stage.SUCCESS, "cs_1", 1999)
            assert after.effects[-1].kind == Todo.REFUND_SECOND
            assert after.effects[-1].args == {"intent": "pi_2", "amount": str(other.amount_total)}
            assert after.reason == ""
        else:
            assert after.session_id == "cs_2"


def test_payments_begin_as_the_table_says() -> None:
    asked, closed = created(ORDER, CAUSE, NOW, {"mode": "payment"}), never_asked(ORDER, CAUSE, NOW)
    assert (asked.stage, asked.status, asked.key, asked.effects) == (Stage.CREATED, "INITIATED", "pay_1-session-1", ())
    assert (closed.stage, closed.status, closed.reason) == (Stage.CLOSED, "FAILED", "closed_before_payment")
    for payment, kind in ((asked, Kind.CREATED), (closed, Kind.NEVER_ASKED)):
        assert [(each.what, each.from_state, each.to_state) for each in payment.audit] == [(kind, "", payment.stage)]


def test_one_input_is_news_again_when_the_session_has_moved_on() -> None:
    cause = Cause("evt_1", "stripe")
    opened = MACHINE.after(payment_in(Stage.CREATED), Input(Kind.FETCHED, cause, session()), NOW)
    paid = MACHINE.after(opened, Input(Kind.FETCHED, cause, session(**SAYS[Kind.PAID], intent_id="pi_1")), NOW)
    assert (opened.stage, paid.stage) == (Stage.INITIATED, Stage.SUCCESS)


def test_a_decline_is_none_once_the_session_is_paid_or_ended() -> None:
    before, cause = payment_in(Stage.INITIATED), Cause("evt_1", "stripe")

    def declined(**says: object) -> Payment:
        decline = Decline(NOW, "declined", "No.")
        news = Input(Kind.DECLINED, cause, session(**says), decline, "payment_declined")
        return MACHINE.after(before, news, NOW)

    assert declined().declines
    assert [declined(**SAYS[kind]) for kind in (Kind.PAID, Kind.EXPIRED)] == [before, before]


def test_refunds_never_exceed_what_was_taken() -> None:
    refund = Refund(
        id="rfd_1",
        amount_minor=2000,
        reason="",
        restock=False,
        status="succeeded",
        origin="kassa",
        key="",
        created_at=NOW,
        updated_at=NOW,
    )
    before = msgspec.structs.replace(payment_in(Stage.INITIATED), refunds=(refund,))
    assert MACHINE.broken(MACHINE.apply(before, news(Kind.PAID), NOW)) == {"refunds do not exceed what was taken"}


def test_no_payment_succeeds_with_another_amount() -> None:
    paid = Input(Kind.PAID, Cause("evt_1", "stripe"), session(amount_total=1998))
    after = MACHINE.apply(payment_in(Stage.INITIATED), paid, NOW)
    assert MACHINE.broken(after) == {"a payment that succeeded has taken exactly its amount"}
