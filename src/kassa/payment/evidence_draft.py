"""A draft of what can be said to a dispute: only what is stored and true. What is not stored stays empty, and is named,
so that whoever answers can add it. What convinces depends on the reason (Stripe docs: disputes/categories). Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from kassa.contracts.facts import OrderFacts, Pieces, SentParcel
from kassa.contracts.parts import Address
from kassa.kit.clock import SECOND, Millis
from kassa.kit.money import major
from kassa.payment.balance import is_fully_refunded, refunded_minor
from kassa.payment.domain import Dispute, Payment
from kassa.payment.evidence_fields import EVIDENCE_FIELDS, cut

_GOODS = ("shipping_address", "shipping_date", "shipping_carrier", "shipping_tracking_number")
_BUYER = ("customer_name", "customer_email_address", "billing_address")
_DOWNLOADS = ("service_date", "access_activity_log")
_ACCESS = ("customer_purchase_ip", "access_activity_log")
_ALWAYS = ("product_description", "uncategorized_text")
WANTED: Mapping[str, tuple[str, ...]] = {
    "credit_not_processed": ("refund_refusal_explanation", "refund_policy_disclosure"),
    "duplicate": ("duplicate_charge_id", "duplicate_charge_explanation"),
    "fraudulent": _ACCESS,
    "product_not_received": (),
    "product_unacceptable": ("refund_policy_disclosure", "refund_refusal_explanation"),
    "subscription_canceled": ("cancellation_rebuttal", "refund_policy_disclosure"),
    "unrecognized": _ACCESS,
}
"""The fields that count for a reason, besides those that help always, with parcels and with downloads."""
_MAILS = {
    "received": "that the order was received",
    "confirmed": "that the order is paid and confirmed",
    "cancelled": "that the order is cancelled",
    "refunded": "about a refund",
    "shipped": "that goods are on their way",
    "withdrawn": "that the withdrawal was received",
}
_RETURNS = {
    "requested": "nobody has answered yet",
    "approved": "it was approved, and nothing has come back so far",
    "declined": "it was declined",
    "received": "it has come back",
    "closed": "nothing came back",
}


class Draft(NamedTuple):
    """What can be said, by Stripe's fields; which of these were shortened; which fields count for this dispute; and
    what is missing, in words."""

    fields: dict[str, str]
    shortened: tuple[str, ...]
    wanted: tuple[str, ...]
    missing: tuple[str, ...]


def draft(payment: Payment, dispute: Dispute, facts: OrderFacts) -> Draft:
    """A draft of the answer to the dispute."""
    whole = {name: text.strip() for name, text in _texts(payment, dispute, facts) if text.strip()}
    fields = {name: cut(whole[name], EVIDENCE_FIELDS[name].longest) for name in EVIDENCE_FIELDS if name in whole}
    shipped = _GOODS if any(not item.is_digital for item in facts.items) else ()
    fetched = _DOWNLOADS if any(item.is_digital for item in facts.items) else ()
    counts = {*_BUYER, *_ALWAYS, *shipped, *fetched, *WANTED.get(dispute.reason, ()), *fields}
    return Draft(
        fields,
        tuple(name for name in fields if fields[name] != whole[name]),
        tuple(name for name in EVIDENCE_FIELDS if name in counts),
        tuple(_missing(payment, dispute, facts, fields)),
    )


def _texts(payment: Payment, dispute: Dispute, facts: OrderFacts) -> Iterator[tuple[str, str]]:
    sale = facts.sale
    billing = sale.billing if sale is not None else None
    sent_to = sale.destination if sale is not None and not _is_fetched(facts) else None
    buyer = billing or (sale.destination if sale is not None else None)
    yield "customer_name", buyer.name if buyer is not None else ""
    yield "customer_email_address", facts.email
    yield "billing_address", _address(billing)
    yield "product_description", "\n".join(_goods(payment, facts))
    if facts.parcels:
        yield "shipping_address", _address(sent_to)
        yield "shipping_date", ", ".join(_once(_day(each.sent_at) for each in facts.parcels))
        yield "shipping_carrier", ", ".join(_once(each.carrier for each in facts.parcels))
        yield "shipping_tracking_number", ", ".join(_once(each.tracking_number for each in facts.parcels))
    if dispute.reason == "duplicate":
        yield "duplicate_charge_explanation", _one_payment(payment, dispute, facts)
    if dispute.reason == "credit_not_processed":
        yield "refund_refusal_explanation", "\n".join(_refunds(payment))
    if dispute.reason == "subscription_canceled":
        once = f"This was a single purchase, order {facts.id} of {_day(facts.placed_at)}."
        yield "cancellation_rebuttal", f"{once} It is no subscription, and nothing is charged again."
    yield "uncategorized_text", "\n".join(_story(payment, facts))


def _goods(payment: Payment, facts: OrderFacts) -> Iterator[str]:
    for item in facts.items:
        price = _sum(item.price_minor, payment.currency)
        each = " each" if item.quantity > 1 else ""
        yield f"{item.quantity} × {item.name}, {price}{each}{', by download' if item.is_digital else ''}"
    shipping = facts.sale.parts.shipping if facts.sale is not None else None
    if shipping is not None:
        yield f"Shipping: {shipping.name}, {_sum(shipping.amount_minor - shipping.discount_minor, payment.currency)}"
    yield f"In all: {_sum(payment.amount_minor, payment.currency)}"


def _story(payment: Payment, facts: OrderFacts) -> Iterator[str]:
    """All that is stored of what happened, the earliest first."""
    told: list[tuple[Millis, str]] = [(facts.placed_at, f"Order {facts.id} was placed.")]
    if payment.paid_at is not None:
        told.append((payment.paid_at, f"{_sum(payment.taken_minor, payment.currency)} was paid for it."))
    for parcel in facts.parcels:
        told.append((parcel.sent_at, f"Parcel {parcel.number} was sent{_how(parcel)}: {_named(parcel.items)}."))
        if parcel.delivered_at is not None:
            told.append((parcel.delivered_at, f"Parcel {parcel.number} was noted as delivered."))
    told += [(each.at, f"The buyer was emailed {_MAILS.get(each.kind, 'about it')}.") for each in facts.mails]
    for each in facts.returns:
        became = _RETURNS.get(each.state, each.state)
        told.append((each.asked_at, f"Return {each.number} was asked for: {_named(each.items)}; {became}."))
    for stated in facts.withdrawals:
        told.append((stated.received_at, f"The buyer has withdrawn from {_named(stated.items)}."))
    for refund in payment.refunds:
        if refund.status in ("pending", "requires_action", "succeeded"):
            word = "was refunded" if refund.status == "succeeded" else "is being refunded"
            told.append((refund.created_at, f"{_sum(refund.amount_minor, payment.currency)} {word}."))
    for at, text in sorted(told, key=lambda each: each[0]):
        yield f"{_moment(at)}: {text}"
    if not facts.returns and not facts.withdrawals:
        yield "No return was asked for."


def _refunds(payment: Payment) -> Iterator[str]:
    done = [refund for refund in payment.refunds if refund.status == "succeeded"]
    for refund in done:
        name = f" (Stripe: {refund.stripe_id})" if refund.stripe_id else ""
        yield f"{_sum(refund.amount_minor, payment.currency)} was refunded on {_day(refund.created_at)}{name}."
    if is_fully_refunded(payment):
        yield "With this all that was paid went back to the buyer."
    elif done:
        back, taken = _sum(refunded_minor(payment), payment.currency), _sum(payment.taken_minor, payment.currency)
        yield f"{back} of {taken} went back."


def _one_payment(payment: Payment, dispute: Dispute, facts: OrderFacts) -> str:
    if _is_of_another(payment, dispute):
        return ""
    goods = _named([Pieces(item.name, item.quantity) for item in facts.items])
    return (
        f"This payment is for order {facts.id} of {_day(facts.placed_at)}: {goods}. "
        f"{_sum(payment.amount_minor, payment.currency)} was charged for it once."
    )


def _missing(payment: Payment, dispute: Dispute, facts: OrderFacts, fields: Mapping[str, str]) -> Iterator[str]:
    """What would help and is not stored."""
    if _is_of_another(payment, dispute):
        yield "The dispute is about a second payment for the order, which goes back: there may be nothing to defend."
    if facts.withdrawals:
        yield "The buyer has withdrawn from some of it, whose money is owed: as to that there is nothing to defend."
    if "customer_name" not in fields:
        yield "The buyer's name is not known: the order has no address."
    if "customer_email_address" not in fields:
        yield "The buyer's e-mail address is not known."
    yield from _missing_of_parcels(facts, fields)
    if dispute.reason in ("fraudulent", "unrecognized"):
        yield "The IP address from which the order was placed is not kept."
    if any(item.is_digital for item in facts.items):
        yield "No log is kept of when the buyer downloaded the goods."
    if dispute.reason == "duplicate":
        yield "No other payment is known for this order: if the buyer paid for another one, say what that was for."
    if dispute.reason == "credit_not_processed" and not refunded_minor(payment):
        yield "Nothing was refunded: say why no refund is due."
    if dispute.reason in ("credit_not_processed", "product_unacceptable", "subscription_canceled"):
        yield "How the buyer was shown your refund policy is not kept."
    if dispute.reason == "product_unacceptable":
        yield "Say in which way the goods were as described."


def _missing_of_parcels(facts: OrderFacts, fields: Mapping[str, str]) -> Iterator[str]:
    if all(item.is_digital for item in facts.items):
        return
    if not facts.parcels:
        yield "No parcel is noted: note on the order's page what was sent, or say it here."
        return
    if "shipping_address" not in fields:
        why = "the buyer fetched the goods" if _is_fetched(facts) else "the order has no address"
        yield f"Where the goods were sent to is not known: {why}."
    for parcel in facts.parcels:
        if not parcel.carrier:
            yield f"No carrier is noted for parcel {parcel.number}."
        if not parcel.tracking_number:
            yield f"No tracking number is noted for parcel {parcel.number}."
        if parcel.delivered_at is None:
            yield f"It is not noted that parcel {parcel.number} was delivered."
    if not facts.is_sent_all:
        yield "Some of the order was not sent yet."


def _is_of_another(payment: Payment, dispute: Dispute) -> bool:
    """Whether it is about money that came a second time for the order."""
    return dispute.intent_id not in (None, payment.intent_id)


def _is_fetched(facts: OrderFacts) -> bool:
    shipping = facts.sale.parts.shipping if facts.sale is not None else None
    return shipping is not None and shipping.kind == "pickup"


def _how(parcel: SentParcel) -> str:
    by = f" with {parcel.carrier}" if parcel.carrier else ""
    number = f", tracking number {parcel.tracking_number}" if parcel.tracking_number else ""
    return f"{by}{number}{f' ({parcel.tracking_url})' if parcel.tracking_url else ''}"


def _named(pieces: Sequence[Pieces]) -> str:
    return ", ".join(f"{each.quantity} × {each.name}" for each in pieces)


def _address(address: Address | None) -> str:
    if address is None or not (address.lines or address.city or address.postal_code):
        return ""
    place = " ".join(each for each in (address.postal_code, address.city) if each)
    return "\n".join(each for each in (address.name, *address.lines, place, address.region, address.country) if each)


def _once(texts: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(text for text in texts if text))


def _sum(amount_minor: int, currency: str) -> str:
    return f"{major(amount_minor, currency)} {currency.upper()}"


def _day(at: Millis) -> str:
    when = datetime.fromtimestamp(at // SECOND, UTC)
    return f"{when.day} {when:%B %Y}"


def _moment(at: Millis) -> str:
    return f"{_day(at)}, {datetime.fromtimestamp(at // SECOND, UTC):%H:%M} UTC"
