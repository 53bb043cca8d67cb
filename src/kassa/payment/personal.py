"""What is stored of a payment that is about its buyer: told, and forgotten."""

from typing import Any

import msgspec

from kassa.contracts.payment import PaymentRecord
from kassa.kit.clock import Millis, rfc3339
from kassa.kit.documents import Collection, change, pages
from kassa.kit.idempotency import KEPT, Idempotency
from kassa.payment.domain import Payment
from kassa.payment.events import read_event, to_store
from kassa.payment.evidence import without_texts
from kassa.payment.refunds_wire import shown
from kassa.payment.store import Cursor, PaymentStore, StripeEvent
from kassa.payment.wire import shown_disputes, shown_status

BODIES = "events stored whole"
SLIMMED = 200


def record(payment: Payment) -> PaymentRecord:
    """All that is stored of the payment."""
    return PaymentRecord(
        status=_plain(shown_status(payment)),
        refunds=[_plain(shown(refund, payment)) for refund in payment.refunds],
        disputes=[_plain(each) for each in shown_disputes(payment)],
        declines=[{"at": rfc3339(each.at), "code": each.code, "message": each.message} for each in payment.declines],
        at_stripe=[id for id in (payment.session_id, payment.intent_id) if id],
        evidence=[
            {"dispute": each.dispute_id, "at": rfc3339(each.asked_at), "status": each.status, "fields": each.fields}
            for each in payment.evidence
        ],
    )


def erased(payment: Payment) -> Payment:
    """The payment without the words in which people have asked for refunds and answered disputes, and without the way
    to its session; the very same if it has none."""
    refunds = tuple(msgspec.structs.replace(each, reason="") if _is_asked(each) else each for each in payment.refunds)
    asked = {refund.id for refund in payment.refunds if _is_asked(refund)}
    audit = tuple(
        msgspec.structs.replace(each, why="") if each.input_id in asked and each.why else each for each in payment.audit
    )
    params = _nameless(payment.params)
    evidence = without_texts(payment)
    changed = msgspec.structs.replace(
        payment, refunds=refunds, audit=audit, session_url=None, params=params, evidence=evidence
    )
    return payment if changed == payment else changed


def _nameless(params: dict[str, Any]) -> dict[str, Any]:
    """What Stripe was asked with, without whom and where."""
    kept = {name: value for name, value in params.items() if name != "customer_email"}
    intent = {name: value for name, value in kept.get("payment_intent_data", {}).items() if name != "shipping"}
    return {**kept, "payment_intent_data": intent} if intent else kept


async def forget_answers(payment: Payment, answers: Idempotency | None, now: Millis) -> None:
    """Remove the stored answers of the payment's refunds, which repeat the words; older ones are gone."""
    for refund in payment.refunds:
        if answers is not None and refund.reason and refund.created_at > now - KEPT:
            await answers.forget(refund.id)


async def forget_bodies(events: Collection[StripeEvent], payment_id: str) -> None:
    """Of the events of a payment keep only what is read, as of all that come since."""
    async for page in pages(events, {"payment_id": payment_id}):
        for event in page:
            await change(events, event.id, slim)


async def forget_old_bodies(store: PaymentStore) -> None:
    """Of the events that earlier versions have stored whole keep only what is read, some at a time, until all have
    been gone through once."""
    cursor = await store.cursors.get(BODIES) or await store.cursors.insert(Cursor(id=BODIES))
    if cursor.is_done:
        return
    page = await store.events.find({}, limit=SLIMMED, after=cursor.after or None, order="oldest")
    for event in page:
        await change(store.events, event.id, slim)
    after = page[-1].sequence if page else cursor.after
    await store.cursors.save(msgspec.structs.replace(cursor, after=after, is_done=len(page) < SLIMMED))


def slim(event: StripeEvent) -> StripeEvent:
    """The event as it would be stored today; the very same if it is."""
    try:
        body = to_store(read_event(event.body))
    except ValueError:
        body = ""  # Nothing that is read: no version has acted on it.
    return event if body == event.body else msgspec.structs.replace(event, body=body)


def _is_asked(refund: Any) -> bool:
    return bool(refund.reason) and refund.origin == "kassa" and not refund.is_owed


def _plain(document: msgspec.Struct) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(document, builtin_types=())
    return plain
