"""Answers to disputes over the wire: what is sent and what is answered."""

from typing import Annotated

import msgspec

from kassa.kit.clock import Timestamp, rfc3339
from kassa.kit.lists import documented
from kassa.kit.text import LINES
from kassa.payment.domain import Evidence, Payment
from kassa.payment.evidence import REFUSED, REQUESTED, SENT, evidence_of
from kassa.payment.evidence_draft import Draft
from kassa.payment.evidence_fields import EVIDENCE_FIELDS, LONGEST, LONGEST_LINE, MOST_TOGETHER
from kassa.payment.wire import DisputeOut, shown_disputes

MOST_MINOR = 10**12
STATUSES = (REQUESTED, SENT, REFUSED)
_Short = Annotated[str, documented("A text", maxLength=LONGEST_LINE, pattern=LINES)]
_Long = Annotated[str, documented("A long text", maxLength=LONGEST, pattern=LINES)]


class EvidenceTexts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Texts by the names of Stripe's fields of evidence; one that is empty is not sent."""

    customer_name: _Short = ""
    customer_email_address: _Short = ""
    billing_address: _Short = ""
    product_description: _Long = ""
    shipping_address: _Short = ""
    shipping_date: _Short = ""
    shipping_carrier: _Short = ""
    shipping_tracking_number: _Short = ""
    service_date: _Short = ""
    access_activity_log: _Long = ""
    customer_purchase_ip: _Short = ""
    duplicate_charge_id: _Short = ""
    duplicate_charge_explanation: _Long = ""
    refund_refusal_explanation: _Long = ""
    refund_policy_disclosure: _Long = ""
    cancellation_rebuttal: _Long = ""
    uncategorized_text: _Long = ""


class NewEvidence(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """An answer to a dispute: the texts as they are to be sent. `submit` must be true, and `amountMinor` what the
    dispute is about: a dispute is answered once, and this is the confirmation."""

    fields: EvidenceTexts
    submit: Annotated[bool, documented("The confirmation", enum=[True])]
    amount_minor: Annotated[int, msgspec.Meta(ge=1, le=MOST_MINOR)]


class FieldOut(msgspec.Struct, frozen=True, rename="camel"):
    """A field of evidence: Stripe's name of it, what it is called and what belongs there; `text` is the draft, empty
    where nothing is stored. `isWanted`: it counts for this dispute. `isShortened`: there was more than fits."""

    field: str
    label: str
    hint: str
    max_length: int
    text: str
    is_wanted: bool
    is_shortened: bool


class EvidenceOut(msgspec.Struct, frozen=True, rename="camel"):
    """An answer that was confirmed: by whom, with which fields, and what became of it. `requested`: it is on its way to
    Stripe; `sent`: Stripe has it; `refused`: it has no effect, and `failure` says why."""

    id: str
    dispute_id: str
    status: Annotated[str, documented("What became of it", enum=STATUSES)]
    failure: str
    fields: list[str]
    by: str
    asked_at: Timestamp
    updated_at: Timestamp


class EvidenceDraft(msgspec.Struct, frozen=True, rename="camel"):
    """What can be said to a dispute, from what is stored, and what is `missing`. `whyNot`: why it cannot be answered,
    empty if it can. `answer` is what was confirmed last; its texts stand in the fields."""

    dispute: DisputeOut
    fields: list[FieldOut]
    max_together: int
    missing: list[str]
    can_answer: bool
    why_not: str
    answer: EvidenceOut | None


class EvidenceAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """The answer as it stands now."""

    evidence: EvidenceOut


def shown_draft(payment: Payment, dispute_id: str, drafted: Draft, why_not: str) -> EvidenceDraft:
    """The draft as the wire shows it; what was confirmed already goes before what is drafted."""
    answer = evidence_of(payment, dispute_id)
    said = answer.fields if answer is not None and answer.fields else drafted.fields
    is_draft = said is drafted.fields
    return EvidenceDraft(
        dispute=next(each for each in shown_disputes(payment) if each.id == dispute_id),
        fields=[
            FieldOut(
                field=name,
                label=each.label,
                hint=each.hint,
                max_length=each.longest,
                text=said.get(name, ""),
                is_wanted=name in drafted.wanted or name in said,
                is_shortened=is_draft and name in drafted.shortened,
            )
            for name, each in EVIDENCE_FIELDS.items()
        ],
        max_together=MOST_TOGETHER,
        missing=list(drafted.missing),
        can_answer=not why_not,
        why_not=why_not,
        answer=None if answer is None else shown_evidence(answer),
    )


def shown_evidence(evidence: Evidence) -> EvidenceOut:
    """The answer as the wire shows it, without its texts: those are told to who asks for them."""
    return EvidenceOut(
        id=evidence.id,
        dispute_id=evidence.dispute_id,
        status=evidence.status,
        failure=evidence.failure,
        fields=list(evidence.fields),
        by=evidence.who,
        asked_at=rfc3339(evidence.asked_at),
        updated_at=rfc3339(evidence.updated_at),
    )
