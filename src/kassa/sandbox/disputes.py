"""Disputes and fraud warnings that some test cards bring after a while (Stripe docs: disputes)."""

from __future__ import annotations

from kassa.sandbox import events, params
from kassa.sandbox.call import Call
from kassa.sandbox.cards import find_card
from kassa.sandbox.errors import ApiError, Json
from kassa.sandbox.events import Cause
from kassa.sandbox.ids import new_id
from kassa.sandbox.objects_money import new_balance_transaction, new_dispute
from kassa.sandbox.tables import Tx

DISPUTE_FEE = 1500
MOST_EVIDENCE = 150_000
"""Characters of all fields together (Stripe docs: api/disputes/update)."""
REASONS = (
    "credit_not_processed", "duplicate", "fraudulent", "general", "product_not_received", "product_unacceptable",
    "subscription_canceled", "unrecognized",
)  # fmt: skip
_VERDICTS = {"winning_evidence": "won", "losing_evidence": "lost"}
_FINAL = {"won", "lost", "warning_closed"}


def open_dispute(tx: Tx, charge_id: str) -> None:
    """The buyer's bank disputes a charge, if nobody did before; unless it is only an inquiry, the money leaves at
    once."""
    if tx.get(charge_id, "charge")["disputed"]:
        return
    card = find_card(tx.private(charge_id)["card"])
    open_dispute_over(tx, charge_id, card.dispute_reason, card.dispute_status)


def open_dispute_over(tx: Tx, charge_id: str, reason: str, status: str) -> Json:
    """The same for any charge by card that succeeded and is not disputed; the dispute comes back."""
    charge = tx.get(charge_id, "charge")
    if charge["status"] != "succeeded" or charge["disputed"] or "card" not in charge["payment_method_details"]:
        raise ApiError("Only a charge by card that succeeded can be disputed, and only once.", param="charge")
    dispute = new_dispute(charge, reason, status, tx.now)
    is_inquiry = dispute["is_charge_refundable"]
    if not is_inquiry:
        _move_money(tx, dispute, -charge["amount"], DISPUTE_FEE)
        tx.update({**charge, "disputed": True})
    tx.insert(dispute)
    events.record(tx, "charge.dispute.created", dispute, events.BY_ITSELF)
    if not is_inquiry:
        events.record(tx, "charge.dispute.funds_withdrawn", dispute, events.BY_ITSELF)
    return dispute


def change(tx: Tx, call: Call) -> Json:
    """Give evidence. With `submit` the bank decides: for whoever says so in `uncategorized_text`, as in Stripe's tests.

    `winning_evidence` wins and `losing_evidence` loses (Stripe docs: testing#disputes); anything else stays under
    review until `close`.
    """
    params.only(call.params, {"evidence", "expand", "metadata", "submit"})
    dispute = tx.get(call.object_id, "dispute", "dispute")
    given = params.mapping(call.params, "evidence")
    params.only(given, dispute["evidence"].keys() - {"enhanced_evidence"}, "evidence")
    if dispute["status"] in _FINAL and given:
        raise ApiError("This dispute is already closed.", is_saved=True)
    evidence = {**dispute["evidence"], **{n: params.text(given, n, f"evidence[{n}]", 20_000) for n in given}}
    if sum(len(text) for text in evidence.values() if isinstance(text, str)) > MOST_EVIDENCE:
        text = f"The combined character count of all evidence may be at most {MOST_EVIDENCE}."
        raise ApiError(text, param="evidence")
    details = dict(dispute["evidence_details"])
    details["has_evidence"] = details["has_evidence"] or bool(given)
    submit = params.boolean(call.params, "submit")
    is_submitted = bool(given) if submit is None else submit
    changes: Json = {"evidence": evidence, "evidence_details": details}
    if is_submitted:
        # What comes late is taken, and perhaps not passed on (Stripe docs: api/disputes/object, past_due).
        details |= {"submission_count": details["submission_count"] + 1, "submission_method": "manual"}
        details["past_due"] = details["due_by"] is not None and tx.now > details["due_by"]
        is_inquiry = dispute["status"].startswith("warning_")
        changes["status"] = "warning_under_review" if is_inquiry else "under_review"
    changed = events.change(tx, dispute, changes, call.params, call.cause, "charge.dispute.updated")
    verdict = _VERDICTS.get(evidence["uncategorized_text"] or "") if is_submitted else None
    return close_dispute(tx, dispute["id"], verdict, events.BY_ITSELF) if verdict else changed


def close_dispute(tx: Tx, dispute_id: str, status: str, cause: Cause) -> Json:
    """Decide a dispute: `won` brings the money back, `lost` does not; an inquiry ends as `warning_closed`."""
    dispute = tx.get(dispute_id, "dispute", "dispute")
    if dispute["status"] in _FINAL:
        raise ApiError("This dispute is already closed.", is_saved=True)
    is_inquiry = dispute["status"].startswith("warning_")
    final = {**dispute, "status": "warning_closed" if is_inquiry else status, "is_charge_refundable": False}
    if status == "won" and not is_inquiry:
        final["balance_transactions"] = list(dispute["balance_transactions"])
        _move_money(tx, final, dispute["amount"], 0)
        charge = tx.get(dispute["charge"], "charge")
        tx.update({**charge, "disputed": False})
        events.record(tx, "charge.dispute.funds_reinstated", final, cause)
    tx.update(final)
    events.record(tx, "charge.dispute.closed", final, cause, events.changes(dispute, final))
    return final


def warn_of_fraud(tx: Tx, charge_id: str) -> None:
    """The card's network warns that a charge may be fraudulent; no money moves (docs: radar/early-fraud-warnings)."""
    charge = tx.get(charge_id, "charge")
    warning = {
        "id": new_id("radar.early_fraud_warning"),
        "object": "radar.early_fraud_warning",
        "actionable": True,
        "charge": charge_id,
        "created": tx.now,
        "fraud_type": "made_with_stolen_card",
        "livemode": False,
        "payment_intent": charge["payment_intent"],
    }
    tx.insert(warning)
    events.record(tx, "radar.early_fraud_warning.created", warning, events.BY_ITSELF)


def _move_money(tx: Tx, dispute: Json, amount: int, fee: int) -> None:
    balance = new_balance_transaction("adjustment", dispute, amount, fee, tx.now)
    dispute["balance_transactions"].append(tx.insert(balance))


AFTERMATH = {"dispute": open_dispute, "early_fraud_warning": warn_of_fraud}
"""What some test cards bring after they were charged."""
