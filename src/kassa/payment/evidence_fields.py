"""What Stripe takes as evidence, as far as it is text: each field, what people call it, how long it may be. Files (a
receipt, a signature, pictures) are given in Stripe's dashboard. Pure."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from kassa.kit.problem import FieldError, Invalid
from kassa.kit.text import LINES, counted, normalised_lines

LONGEST, LONGEST_LINE = 20_000, 5_000
MOST_TOGETHER = 150_000
"""Characters of all fields together (Stripe's API reference: disputes, update, evidence)."""
CUT = " … (shortened)"


class EvidenceField(NamedTuple):
    """One field: its label, what belongs there, and how many characters it may have."""

    label: str
    hint: str
    longest: int = LONGEST_LINE


EVIDENCE_FIELDS: Mapping[str, EvidenceField] = MappingProxyType(
    {
        "customer_name": EvidenceField("Buyer's name", "As the buyer gave it."),
        "customer_email_address": EvidenceField("Buyer's e-mail address", "Where the order's mails went."),
        "billing_address": EvidenceField("Billing address", "As the buyer gave it."),
        "product_description": EvidenceField("What was sold", "The goods, with how many and at what price.", LONGEST),
        "shipping_address": EvidenceField("Sent to", "The whole address on the parcels."),
        "shipping_date": EvidenceField("Sent on", "When the parcels left, in words."),
        "shipping_carrier": EvidenceField("Carrier", "Several are separated by commas."),
        "shipping_tracking_number": EvidenceField("Tracking number", "Several are separated by commas."),
        "service_date": EvidenceField(
            "Delivered or used since", "For what is not shipped: since when the buyer has it."
        ),
        "access_activity_log": EvidenceField(
            "Log of access", "For downloads: from which addresses and when the buyer had them.", LONGEST
        ),
        "customer_purchase_ip": EvidenceField("Buyer's IP address", "From which the order was placed."),
        "duplicate_charge_id": EvidenceField("The other charge", "The id at Stripe of the payment it is taken for."),
        "duplicate_charge_explanation": EvidenceField(
            "Why the two payments are different", "What the one was for, and what the other.", LONGEST
        ),
        "refund_refusal_explanation": EvidenceField(
            "Why no refund is due", "Or how and when the money was given back.", LONGEST
        ),
        "refund_policy_disclosure": EvidenceField(
            "How the buyer was shown the refund policy", "Before the purchase: where, and in which words.", LONGEST
        ),
        "cancellation_rebuttal": EvidenceField(
            "Why nothing was cancelled", "For what is called a subscription.", LONGEST
        ),
        "uncategorized_text": EvidenceField(
            "What happened", "The whole story, with dates, and whatever else helps.", LONGEST
        ),
    }
)
"""In the order in which people are shown them."""

_LINES = re.compile(LINES)


def checked(given: Mapping[str, str]) -> dict[str, str]:
    """The fields as they are sent: each text in one spelling, none that is empty. Invalid, with all that is wrong: a
    field that Stripe has none of, a text that is too long, control characters, too much together, nothing at all."""
    kept: dict[str, str] = {}
    wrong: list[FieldError] = []
    for name, text in given.items():
        if name not in EVIDENCE_FIELDS:
            wrong.append(FieldError(f"fields.{name[:64]}", "is no field of evidence that is given here"))
            continue
        longest = EVIDENCE_FIELDS[name].longest
        text = normalised_lines(text, longest).strip()
        if len(text) > longest:
            wrong.append(FieldError(f"fields.{name}", f"has {len(text):,} characters, and may have {longest:,}"))
        elif not _LINES.fullmatch(text):
            wrong.append(FieldError(f"fields.{name}", "has control characters"))
        elif text:
            kept[name] = text
    together = sum(map(len, kept.values()))
    if together > MOST_TOGETHER:
        too_many = counted(together, "character")
        wrong.append(FieldError("fields", f"have {too_many} together, and may have {MOST_TOGETHER:,}: shorten some"))
    if not kept and not wrong:
        wrong.append(FieldError("fields", "are all empty: say something, or accept the dispute in Stripe's dashboard"))
    if wrong:
        raise Invalid("; ".join(f"{each.field}: {each.message}" for each in wrong)[:500], errors=tuple(wrong))
    return {name: kept[name] for name in EVIDENCE_FIELDS if name in kept}


def cut(text: str, longest: int) -> str:
    """The text, or as much of it as fits, up to the end of a word, with a note that there was more."""
    if len(text) <= longest:
        return text
    room = longest - len(CUT)
    whole = text[: room + 1]
    end = max(whole.rfind(" "), whole.rfind("\n"))
    return f"{text[: end if end > 0 else room].rstrip()}{CUT}"


def named(fields: Mapping[str, str]) -> str:
    """Which fields these are, in words."""
    return ", ".join(EVIDENCE_FIELDS[name].label.lower() if name in EVIDENCE_FIELDS else name for name in fields)
