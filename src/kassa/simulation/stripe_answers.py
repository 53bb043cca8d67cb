"""The answers of the simulated Stripe, as the port to the real one tells them."""

from kassa.payment.processor import DisputeState, FeeState, RefundState, SessionState
from kassa.sandbox.errors import Json


def session_state(session: Json, intent_status: str | None) -> SessionState:
    """The session as the port tells it."""
    names = ("id", "status", "payment_status", "amount_total", "currency", "url", "expires_at", "mode", "created")
    given = {name: session[name] for name in names}
    intent_id, metadata, details = session["payment_intent"], session["metadata"], session["total_details"]
    parts = {name: details[f"amount_{name}"] for name in ("discount", "shipping", "tax")}
    parts["subtotal"] = session["amount_subtotal"]
    return SessionState(**given, intent_id=intent_id, intent_status=intent_status, metadata=metadata, **parts)


def refund_state(refund: Json) -> RefundState:
    """The refund as the port tells it."""
    names = ("id", "status", "amount", "currency", "metadata")
    given = {name: refund[name] for name in names}
    reason = refund.get("failure_reason")
    return RefundState(**given, intent_id=refund["payment_intent"], failure_reason=reason)


def dispute_state(dispute: Json) -> DisputeState:
    """The dispute as the port tells it."""
    names = ("id", "status", "amount", "reason", "created")
    given = {name: dispute[name] for name in names}
    details = dispute["evidence_details"]
    return DisputeState(
        **given,
        intent_id=dispute["payment_intent"],
        answer_by=details["due_by"],
        submissions=details["submission_count"],
        has_evidence=details["has_evidence"],
        metadata=dispute["metadata"],
    )


def fee_state(intent: Json) -> FeeState | None:
    """What Stripe kept, as the port tells it."""
    moved = (intent["latest_charge"] or {}).get("balance_transaction")
    return FeeState(moved["fee"], moved["net"], moved["currency"]) if moved else None
