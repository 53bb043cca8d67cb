"""Disputes and fraud warnings that some test cards bring after a while (Stripe docs: disputes)."""

from __future__ import annotations

from kassa.sandbox import events
from kassa.sandbox.cards import find_card
from kassa.sandbox.errors import ApiError, Json
from kassa.sandbox.events import Cause
from kassa.sandbox.ids import new_id
from kassa.sandbox.objects_money import new_balance_transaction, new_dispute
from kassa.sandbox.tables import Tx

DISPUTE_FEE = 1500
_FINAL = {"won", "lost", "warning_closed"}


def open_dispute(tx: Tx, charge_id: str) -> None:
    """The buyer's bank disputes a charge; unless it is only an inquiry, the money leaves at once."""
    charge = tx.get(charge_id, "charge")
    card = find_card(tx.private(charge_id)["card"])
    dispute = new_dispute(charge, card.dispute_reason, card.dispute_status, tx.now)
    is_inquiry = dispute["is_charge_refundable"]
    if not is_inquiry:
        _move_money(tx, dispute, -charge["amount"], DISPUTE_FEE)
        tx.update({**charge, "disputed": True})
    tx.insert(dispute)
    events.record(tx, "charge.dispute.created", dispute, events.BY_ITSELF)
    if not is_inquiry:
        events.record(tx, "charge.dispute.funds_withdrawn", dispute, events.BY_ITSELF)


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
