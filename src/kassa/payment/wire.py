"""Payments as the wire shows them."""

from decimal import Decimal
from typing import Annotated

import msgspec

from kassa.kit.clock import Timestamp, rfc3339
from kassa.kit.inputs import order_paid_by
from kassa.kit.lists import AttentionAnswer, Id, Pagination, documented
from kassa.kit.money import InvalidMoney, from_stripe, major
from kassa.payment.balance import refunded_minor
from kassa.payment.domain import Payment, Refund, Stage
from kassa.payment.notices import Notice
from kassa.payment.processor import FeeState
from kassa.payment.refunds_wire import RefundedLineOut, shown_lines
from kassa.payment.store import StripeEvent, UnclaimedMoney
from kassa.payment.unclaimed import DISMISSED, OPEN, REFUNDED

UNCLAIMED_STATUSES = (OPEN, REFUNDED, DISMISSED)
EVENT_STATUSES = ("received", "done", "ignored", "parked")
_STATUSES = ("INITIATED", "SUCCESS", "FAILED")
_STAGES = tuple(Stage)


class PayFor(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The order to be paid."""

    order_id: Id


class SessionAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """Where the buyer pays."""

    checkout_url: str
    session_id: str


class PaymentDispute(msgspec.Struct, frozen=True, rename="camel"):
    """Money that the buyer's bank asks about, or has taken back; `id` and `status` are Stripe's, `answerBy` is until
    when evidence is taken."""

    id: str
    status: str
    amount: Decimal
    amount_minor: int
    currency: str
    answer_by: Timestamp | None


class RefundForBuyer(msgspec.Struct, frozen=True, rename="camel"):
    """What went back to the buyer at once. One by item has `lines`, and what of it is for the `shipping`."""

    amount: Decimal
    amount_minor: int
    created_at: Timestamp
    lines: list[RefundedLineOut]
    shipping: Decimal
    shipping_minor: int


class PaymentStatus(msgspec.Struct, frozen=True, rename="camel"):
    """How an order's payment stands. `stage` is exact, `status` is INITIATED, SUCCESS or FAILED. `refunds` are those
    that have succeeded, the oldest first."""

    order_id: str
    status: Annotated[str, documented("Where it stands", enum=_STATUSES)]
    stage: Annotated[str, documented("The same, exactly", enum=_STAGES)]
    amount: Decimal
    amount_minor: int
    currency: str
    created_at: Timestamp
    updated_at: Timestamp
    refunded: Decimal
    refunded_minor: int
    refunds: list[RefundForBuyer]
    disputes: list[PaymentDispute]


class FeeOut(msgspec.Struct, frozen=True, rename="camel"):
    """What Stripe has kept of a payment, and the `net` that it has put on the shop's balance, in the currency of
    that."""

    fee: Decimal
    fee_minor: int
    net: Decimal
    net_minor: int
    currency: str


class FeeAnswer(msgspec.Struct, frozen=True):
    """Null until Stripe has reckoned it, and where no money came."""

    fee: FeeOut | None


class DisputeOut(msgspec.Struct, frozen=True, rename="camel"):
    """A dispute as the wire shows it; `status` is Stripe's, `answerBy` until when evidence is taken."""

    id: str
    order_id: str
    status: str
    amount: Decimal
    amount_minor: int
    currency: str
    reason: str
    answer_by: Timestamp | None
    created_at: Timestamp


class DisputesAnswer(msgspec.Struct, frozen=True):
    """A page of disputes, those of the newest payments first."""

    disputes: list[DisputeOut]
    pagination: Pagination


class PaymentAttention(AttentionAnswer, frozen=True):
    """With what is wrong between Stripe and the shop; that is on every page of the answer."""

    notices: list[Notice]


class UnclaimedOut(msgspec.Struct, frozen=True, rename="camel"):
    """A paid checkout session that no payment here is known of. `orderId` is what the session says, if anything."""

    session_id: str
    intent_id: str | None
    status: Annotated[str, documented("Where it stands", enum=UNCLAIMED_STATUSES)]
    amount: Decimal
    amount_minor: int
    currency: str
    order_id: str
    paid_at: Timestamp


class UnclaimedAnswer(msgspec.Struct, frozen=True):
    """A page of them, the last to be found first."""

    unclaimed: list[UnclaimedOut]
    pagination: Pagination


class OneUnclaimedAnswer(msgspec.Struct, frozen=True):
    """One of them."""

    unclaimed: UnclaimedOut


class Received(msgspec.Struct, frozen=True):
    """The event is stored for good."""

    received: bool = True


class EventOut(msgspec.Struct, frozen=True, rename="camel"):
    """A stored Stripe event. `orderId`: the order whose payment it was about, as soon as that is known. `note` says why
    it is ignored or parked."""

    id: str
    type: str
    object_id: str
    order_id: str | None
    status: Annotated[str, documented("What became of it", enum=EVENT_STATUSES)]
    attempts: int
    note: str
    created_at: Timestamp
    received_at: Timestamp


class EventsAnswer(msgspec.Struct, frozen=True):
    """A page of events, the last to come first."""

    events: list[EventOut]
    pagination: Pagination


class EventAnswer(msgspec.Struct, frozen=True):
    """One event."""

    event: EventOut


def shown_fee(told: FeeState) -> FeeOut:
    """The fee, of which the amounts are in minor units, as the wire shows it."""
    fee, net = (major(each, told.currency) for each in (told.fee, told.net))
    return FeeOut(fee, told.fee, net, told.net, told.currency)


def shown_status(payment: Payment) -> PaymentStatus:
    """The payment as the wire shows it."""
    refunded = refunded_minor(payment)
    return PaymentStatus(
        order_id=payment.order_id,
        status=payment.status,
        stage=payment.stage,
        amount=major(payment.amount_minor, payment.currency),
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        created_at=rfc3339(payment.created_at),
        updated_at=rfc3339(payment.updated_at),
        refunded=major(refunded, payment.currency),
        refunded_minor=refunded,
        refunds=[_for_buyer(each, payment.currency) for each in payment.refunds if each.status == "succeeded"],
        disputes=[
            PaymentDispute(
                each.id,
                each.status,
                major(each.amount_minor, payment.currency),
                each.amount_minor,
                payment.currency,
                None if each.answer_by is None else rfc3339(each.answer_by),
            )
            for each in payment.disputes
        ],
    )


def _for_buyer(refund: Refund, currency: str) -> RefundForBuyer:
    return RefundForBuyer(
        amount=major(refund.amount_minor, currency),
        amount_minor=refund.amount_minor,
        created_at=rfc3339(refund.created_at),
        lines=shown_lines(refund.lines, currency),
        shipping=major(refund.shipping_minor, currency),
        shipping_minor=refund.shipping_minor,
    )


def shown_disputes(payment: Payment) -> list[DisputeOut]:
    """A payment's disputes as the wire shows them."""
    return [
        DisputeOut(
            id=dispute.id,
            order_id=payment.order_id,
            status=dispute.status,
            amount=major(dispute.amount_minor, payment.currency),
            amount_minor=dispute.amount_minor,
            currency=payment.currency,
            reason=dispute.reason,
            answer_by=rfc3339(dispute.answer_by) if dispute.answer_by is not None else None,
            created_at=rfc3339(dispute.created_at),
        )
        for dispute in payment.disputes
    ]


def shown_event(event: StripeEvent) -> EventOut:
    """The event as the wire shows it."""
    return EventOut(
        id=event.id,
        type=event.type,
        object_id=event.object_id,
        order_id=order_paid_by(event.payment_id) or None,
        status=event.status,
        attempts=event.attempts,
        note=event.note,
        created_at=rfc3339(event.created_at),
        received_at=rfc3339(event.received_at),
    )


def shown_unclaimed(money: UnclaimedMoney) -> UnclaimedOut:
    """The unclaimed money as the wire shows it."""
    amount, amount_minor = _major_and_minor(money.amount, money.currency)
    return UnclaimedOut(
        session_id=money.id,
        intent_id=money.intent_id,
        status=money.status,
        amount=amount,
        amount_minor=amount_minor,
        currency=money.currency,
        order_id=money.order_id,
        paid_at=rfc3339(money.paid_at),
    )


def _major_and_minor(amount: int, currency: str) -> tuple[Decimal, int]:
    """Stripe's integer in a currency that this shop may not know."""
    try:
        minor = from_stripe(amount, currency)
        return major(minor, currency), minor
    except InvalidMoney:
        return Decimal(amount), amount
