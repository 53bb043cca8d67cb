"""Refunds never exceed what was paid, and follow Stripe to the end."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kassa.contracts.inventory import Line
from kassa.contracts.payment import NotRefundable, RefundTooLarge
from kassa.kit.audit import Cause
from kassa.payment.balance import REQUESTED, held_minor, is_fully_refunded, refunded_minor
from kassa.payment.domain import Payment, Refund, Stage, Todo
from kassa.payment.processor import RefundState
from kassa.payment.refund_states import find, observed
from kassa.payment.refunds import Refusal, refused, requested

NOW = 1_000


def paid(amount: int = 1000) -> Payment:
    return Payment(
        id="pay_1",
        order_id="ord_1",
        user_id="usr_1",
        amount_minor=amount,
        currency="usd",
        stage=Stage.SUCCESS,
        status="SUCCESS",
        taken_minor=amount,
        intent_id="pi_1",
        created_at=NOW,
        updated_at=NOW,
    )


def refund_of(amount: int, refund_id: str = "rfd_1", *, restock: bool = False) -> Refund:
    return Refund(
        id=refund_id,
        amount_minor=amount,
        reason="",
        restock=restock,
        status=REQUESTED,
        origin="kassa",
        key=refund_id,
        created_at=NOW,
        updated_at=NOW,
    )


def ask(payment: Payment, amount: int, refund_id: str = "rfd_1", *, restock: bool = False) -> Payment:
    return requested(
        payment, refund_of(amount, refund_id, restock=restock), Cause(refund_id, "usr_admin"), {"prd_1": 3}
    )


def says(status: str, refund_id: str = "rfd_1", amount: int = 1000, stripe_id: str = "re_1") -> RefundState:
    metadata = {"refundId": refund_id} if refund_id else {}
    return RefundState(stripe_id, status, amount, "usd", "pi_1", metadata, None)


def tell(payment: Payment, state: RefundState, input_id: str = "evt_1") -> Payment:
    return observed(payment, [state], Cause(input_id, "stripe"), NOW + 1)


def test_a_refund_holds_its_amount_before_stripe_is_called() -> None:
    payment = ask(paid(), 400)
    assert held_minor(payment) == 400
    assert [effect.kind for effect in payment.effects] == [Todo.REFUND]
    with pytest.raises(RefundTooLarge):
        ask(payment, 601, "rfd_2")


def test_no_amount_means_all_that_is_left() -> None:
    refund = find(ask(ask(paid(), 400), 0, "rfd_2"), "rfd_2")
    assert refund is not None
    assert refund.amount_minor == 600


def test_an_unpaid_order_has_nothing_to_refund() -> None:
    with pytest.raises(NotRefundable):
        ask(msgspec.structs.replace(paid(), taken_minor=0), 0)


def test_asking_twice_with_one_id_is_one_refund() -> None:
    once = ask(paid(), 400)
    assert ask(once, 400) is once


def test_a_failed_refund_gives_the_amount_back() -> None:
    failed = tell(tell(ask(paid(), 0), says("succeeded")), says("failed"), "evt_2")
    assert (held_minor(failed), is_fully_refunded(failed)) == (0, False)
    assert held_minor(ask(failed, 0, "rfd_2")) == 1000


def test_a_refund_that_stripe_refuses_gives_the_amount_back() -> None:
    payment = refused(asked := ask(paid(), 0), asked.refunds[0], Refusal("no"), Cause("e", "payment-service"), NOW)
    assert held_minor(payment) == 0


@pytest.mark.parametrize("later", ["pending", "succeeded"])
def test_an_answer_that_comes_late_does_not_turn_back_the_state(later: str) -> None:
    done = tell(ask(paid(), 0), says("succeeded"))
    assert tell(done, says(later), "evt_2") is done


def test_a_refund_made_at_stripe_is_taken_in_as_a_record_of_its_own() -> None:
    payment = tell(paid(), says("succeeded", refund_id="", amount=250))
    assert (refunded_minor(payment), payment.refunds[0].origin) == (250, "stripe")
    again = tell(payment, says("succeeded", refund_id="", amount=250), "evt_2")
    assert again is payment


def test_only_what_stripe_says_succeeded_counts_as_refunded() -> None:
    pending = tell(ask(paid(), 0), says("pending"))
    assert (refunded_minor(pending), is_fully_refunded(pending)) == (0, False)
    assert is_fully_refunded(tell(pending, says("succeeded"), "evt_2"))


def test_each_change_is_told_to_the_order_and_says_whether_to_restock() -> None:
    payment = tell(ask(paid(), 0, restock=True), says("succeeded"))
    assert payment.effects[-1].kind == Todo.NOTE_REFUND
    assert payment.effects[-1].args == {"restock": "no", "refund": "rfd_1", "status": "succeeded"}
    assert payment.refunds[-1].items == (Line("prd_1", 3),)
    failed = tell(payment, says("failed"), "evt_2")
    assert failed.effects[-1].args == {"restock": "no", "refund": "", "status": "failed"}, "they have come back already"


@given(
    st.lists(st.tuples(st.integers(0, 1200), st.sampled_from(["ask", "succeeded", "failed", "pending"])), max_size=12)
)
def test_refunds_never_exceed_what_was_paid(steps: list[tuple[int, str]]) -> None:
    payment = paid()
    for number, (amount, what) in enumerate(steps):
        try:
            if what == "ask":
                payment = ask(payment, amount, f"rfd_{number}")
            elif payment.refunds:
                refund = payment.refunds[amount % len(payment.refunds)]
                state = says(what, refund.id, refund.amount_minor, f"re_{refund.id}")
                payment = tell(payment, state, f"evt_{number}")
        except RefundTooLarge:
            continue
        assert held_minor(payment) <= payment.taken_minor
        assert refunded_minor(payment) <= held_minor(payment)
