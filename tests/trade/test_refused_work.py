"""What waits because Stripe refuses it for want of a right is seen from the first refusal on: by the operator, and by
reconcile."""

import json
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import pytest

from kassa.contracts.payment import StripeKeyRefused
from kassa.kit.audit import Finding
from kassa.kit.clock import HOUR, MINUTE
from kassa.order.domain import Order
from kassa.order.domain import Todo as OrderTodo
from kassa.payment.domain import Todo
from kassa.payment.processor import Refused as NotKnown
from kassa.payment.refunds_wire import shown_refunds
from tests.trade.test_attention import asked
from tests.trade.test_second_payments import two_sessions
from tests.trade.test_timeline import told
from tests.trade.world import BUYER, World, found

WORDS = "Stripe: Having the 'rak_needed_write' permission would allow this request to continue."


async def refund_of_an_operator(shop: World) -> Order:
    order = await paid(shop)
    await shop.payment.refunding.refund(order.id, "rfd_1", 500, "chipped", who="usr_admin")
    return order


async def refund_that_brings_goods_back(shop: World) -> Order:
    order = await paid(shop)
    await shop.payment.refunding.refund(order.id, "rfd_1", 0, "sent back", restock=True, who="usr_admin")
    return order


async def refund_of_late_money(shop: World) -> Order:
    order = await shop.place((await shop.sell(), 1))
    payment = await shop.open(order)
    await shop.order.cancel(order.id, BUYER)
    await shop.pay(payment)
    return order


async def refund_of_a_second_payment(shop: World) -> Order:
    order, first, second = await two_sessions(shop)
    for session_id in (first, second):
        shop.stripe.pay(session_id)
        await shop.hook(shop.stripe.session_event("completed", session_id))
    return order


async def session_that_is_to_end(shop: World) -> Order:
    order = await shop.place((await shop.sell(), 1))
    await shop.open(order)
    await shop.order.cancel(order.id, BUYER)
    return order


async def session_of_which_nothing_was_heard(shop: World) -> Order:
    order = await shop.place((await shop.sell(), 1))
    await shop.open(order)
    await shop.later(3 * MINUTE)
    return order


async def answer_to_a_dispute(shop: World) -> Order:
    order = await paid(shop)
    payment = await shop.payment_now(order)
    state = shop.stripe.dispute(str(payment.session_id), "needs_response")
    await shop.payment.observe_disputes(payment.id, [state], "evt_1")
    payment, fields = await shop.payment_now(order), {"customer_name": "Ada"}
    await shop.answers.answer(payment, "du_1", "evd_1", fields, 1999, who="usr_admin")
    return order


async def paid(shop: World) -> Order:
    order = await shop.place((await shop.sell(), 1))
    await shop.pay(await shop.open(order))
    return order


class Refused(NamedTuple):
    """An effect that comes to be refused: the call that is, how it comes about, and who shows it."""

    kind: str
    call: str
    begun: Callable[[World], Awaitable[Order]]
    service: str = "payments"


REFUSED = (
    Refused(Todo.REFUND, "refund", refund_of_an_operator),
    Refused(Todo.REFUND, "refund", refund_that_brings_goods_back),
    Refused(Todo.REFUND, "refund", refund_of_late_money),
    Refused(Todo.REFUND_SECOND, "refunds", refund_of_a_second_payment),
    Refused(Todo.REFUND_SECOND, "refund", refund_of_a_second_payment),
    Refused(Todo.LOOK_UP, "session", session_of_which_nothing_was_heard),
    Refused(Todo.ANSWER_DISPUTE, "dispute_state", answer_to_a_dispute),
    Refused(OrderTodo.CLOSE_PAYMENT, "expire_session", session_that_is_to_end, "orders"),
)
ASK_NO_STRIPE = {
    Todo.CONFIRM_ORDER,
    Todo.CANCEL_ORDER,
    Todo.CLOSE_ORDER,
    Todo.NOTE_REFUND,
    Todo.REFUND_ALL,
    Todo.SET_FREE,
}
ASK_NO_STRIPE_FOR_ORDERS = set(OrderTodo) - {OrderTodo.CLOSE_PAYMENT}


def refuse(shop: World, patched: pytest.MonkeyPatch, call: str) -> None:
    async def refused(*_: object) -> None:
        raise StripeKeyRefused(WORDS)

    patched.setattr(shop.stripe, call, refused)


def about(findings: list[Finding], subject: str) -> list[Finding]:
    return [each for each in findings if each.subject == subject]


def test_the_table_has_each_kind_of_effect_that_asks_stripe() -> None:
    kinds = {each.kind for each in REFUSED}
    assert kinds | ASK_NO_STRIPE | ASK_NO_STRIPE_FOR_ORDERS == {*Todo, *OrderTodo}


async def test_what_asks_no_stripe_is_done_though_all_of_it_is_refused(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await shop.place((await shop.sell(), 1))
    shop.stripe.pay(str((await shop.open(order)).session_id), amount_total=1500)
    session = next(iter(shop.stripe.sessions.values()))
    for call in ("refund", "refunds", "session", "expire_session", "open_session", "find_session"):
        refuse(shop, monkeypatch, call)
    await shop.payment.settle((await shop.payment_now(order)).id, session, "evt_1")
    await shop.settle()
    open_kinds = {each.kind for each in (await shop.payment_now(order)).effects if each.done_at is None}
    assert open_kinds == {Todo.REFUND}
    assert (await shop.order_now(order)).due_at is None
    monkeypatch.undo()
    await shop.later(MINUTE)


@pytest.mark.parametrize("refused", REFUSED, ids=lambda each: f"{each.begun.__name__}, {each.call}")
async def test_it_is_shown_at_once_and_named_by_reconcile_until_it_is_done(
    shop: World, monkeypatch: pytest.MonkeyPatch, refused: Refused
) -> None:
    path = f"/{refused.service}/admin/attention"
    with monkeypatch.context() as patched:
        refuse(shop, patched, refused.call)
        order = await refused.begun(shop)
        (waiting,) = (await asked(shop, path)).json()["waiting"]
        assert (waiting["orderId"], waiting["kind"], waiting["error"]) == (order.id, refused.kind, WORDS)
        story = [text for text in await told(shop, order) if WORDS in text]
        assert [text.endswith("continue.") and not text.endswith("..") for text in story] == [True]
        payment, ordered = await shop.payment_now(order), await shop.order.for_payment(order.id)
        assert {each.failure for each in shown_refunds(payment, ordered).refunds} <= {WORDS}
        for fix in (False, True):
            named = about(found(await shop.reconcile(fix=fix)), order.id)
            assert [(WORDS in each.text, each.is_mended) for each in named] == [(True, False)]
    (mended,) = about(found(await shop.reconcile(fix=True)), order.id)
    assert (WORDS in mended.text, mended.is_mended) == (True, True)
    await shop.settle()
    assert (await asked(shop, path)).json()["waiting"] == []
    assert about(found(await shop.reconcile(fix=True)), order.id) == []
    payment = await shop.payment_now(order)
    assert [each.failure for each in shown_refunds(payment, ordered).refunds] == [None] * len(payment.refunds)


@pytest.mark.parametrize(
    "refused",
    [
        Refused(Todo.LOOK_UP, "session", session_of_which_nothing_was_heard),
        Refused(OrderTodo.CLOSE_PAYMENT, "expire_session", session_that_is_to_end, "orders"),
        Refused(Todo.REFUND_SECOND, "refunds", refund_of_a_second_payment),
        Refused(Todo.REFUND, "refunds", refund_of_an_operator),
    ],
    ids=lambda each: each.call,
)
async def test_what_stripe_says_it_does_not_know_is_no_less_a_refusal(
    shop: World, monkeypatch: pytest.MonkeyPatch, refused: Refused
) -> None:
    async def unknown(*_: object) -> None:
        raise NotKnown(404, "resource_missing", "No such object: it is another account's")

    shop.stripe.has_funds = refused.kind != Todo.REFUND
    with monkeypatch.context() as patched:
        patched.setattr(shop.stripe, refused.call, unknown)
        order = await refused.begun(shop)
        (waiting,) = (await asked(shop, f"/{refused.service}/admin/attention")).json()["waiting"]
    assert (waiting["orderId"], waiting["kind"]) == (order.id, refused.kind)
    assert "No such object: it is another account's" in waiting["error"]
    await shop.later(HOUR)


async def test_the_answer_to_who_asks_for_a_refund_says_why_it_waits(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await paid(shop)
    with monkeypatch.context() as patched:
        refuse(shop, patched, "refund")
        answer = await asked(shop, f"/payments/{order.id}/refund", method="POST")
    assert answer.status_code == 201
    assert (answer.json()["refund"]["status"], answer.json()["refund"]["failure"]) == ("pending", WORDS)
    await shop.later(HOUR)
    (refund,) = (await asked(shop, f"/payments/{order.id}/refunds")).json()["refunds"]
    assert (refund["status"], refund["failure"]) == ("succeeded", None)


async def test_an_event_that_may_not_be_looked_at_is_named_by_reconcile_until_it_is(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await paid(shop)
    shop.stripe.dispute(str((await shop.payment_now(order)).session_id), "needs_response")
    event = shop.stripe.dispute_event("created")
    event_id = json.loads(event)["id"]
    with monkeypatch.context() as patched:
        refuse(shop, patched, "dispute_state")
        await shop.hook(event)
        assert "key_refused" in [
            each["kind"] for each in (await asked(shop, "/payments/admin/attention")).json()["notices"]
        ]
        for fix in (False, True):
            (named,) = about(found(await shop.reconcile(fix=fix)), event_id)
            assert (WORDS in named.text, named.is_mended) == (True, False)
    (mended,) = about(found(await shop.reconcile(fix=True)), event_id)
    assert mended.is_mended
    assert about(found(await shop.reconcile(fix=False)), event_id) == []
    assert (await shop.payment_now(order)).is_disputed
