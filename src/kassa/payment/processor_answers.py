"""Stripe's answers, as the official SDK gives them, in Kassa's own terms."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from kassa.contracts.payment import StripeKeyRefused, StripeUnreachable
from kassa.payment.processor import (
    CallUnderWay,
    DisputeState,
    FeeState,
    RefundState,
    Refused,
    SavedFailure,
    SessionState,
)

if TYPE_CHECKING:
    import stripe


MOST = 2**53
"""More than any amount or time of Stripe's; what every store and every reader of JSON keeps exactly."""
Whole = Annotated[int, msgspec.Meta(ge=-MOST, le=MOST)]


class Named(msgspec.Struct, frozen=True):
    """What is read of an object of which the id is all that matters."""

    id: str


class TotalDetails(msgspec.Struct, frozen=True):
    """What Stripe has taken off a session's lines and added to them."""

    amount_discount: Whole = 0
    amount_shipping: Whole | None = 0
    amount_tax: Whole = 0


_NO_DETAILS = TotalDetails()


class Session(msgspec.Struct, frozen=True):
    """What is read of a Checkout Session."""

    id: str
    status: str
    payment_status: str
    amount_total: Whole | None
    currency: str | None
    expires_at: Whole
    url: str | None = None
    payment_intent: str | Named | None = None
    metadata: dict[str, str] | None = None
    mode: str = "payment"
    created: Whole = 0
    amount_subtotal: Whole | None = None
    total_details: TotalDetails | None = None


class BalanceTransaction(msgspec.Struct, frozen=True):
    """What is read of a movement of Stripe's balance."""

    fee: Whole
    net: Whole
    currency: str


class Charge(msgspec.Struct, frozen=True):
    """What is read of a charge."""

    balance_transaction: BalanceTransaction | str | None = None


class ChargedIntent(msgspec.Struct, frozen=True):
    """A PaymentIntent with its charge."""

    latest_charge: Charge | str | None = None


class SessionPage(msgspec.Struct, frozen=True):
    """A page of a list of them."""

    data: list[Session]
    has_more: bool


def _refused(error: "stripe.StripeError") -> Exception:
    return Refused(error.http_status or 0, error.code, error.user_message or str(error))


def _lacks_a_right(error: "stripe.StripeError") -> Exception:
    return StripeKeyRefused(f"Stripe: {_without_key(error.user_message or str(error))}")


def _key_refused(error: "stripe.StripeError") -> Exception:
    return StripeKeyRefused("check STRIPE_SECRET_KEY")


def _to_be_looked_up(error: "stripe.StripeError") -> Exception:
    return SavedFailure()


def _unknown(error: "stripe.StripeError") -> Exception:
    status = error.http_status or 0
    if status >= 500 and (error.headers or {}).get("Idempotent-Replayed") == "true":
        return SavedFailure()
    # The SDK copies the code from the body into the error for 400, 402 and 404 alone.
    if getattr(error.error, "code", None) == "idempotency_key_in_use":
        return CallUnderWay("the same call is under way at Stripe")
    return StripeUnreachable(f"Stripe did not answer as it should ({status or 'no answer'})")


MEANINGS: Mapping[str, Callable[["stripe.StripeError"], Exception]] = {
    "CardError": _refused,  # 402
    "InvalidRequestError": _refused,  # 400, 404
    "AuthenticationError": _key_refused,  # 401
    "PermissionError": _lacks_a_right,  # 403
    "IdempotencyError": _to_be_looked_up,  # 400: the key was used with other parameters
    "RateLimitError": _unknown,  # 429
    "APIError": _unknown,  # 409, 500 and above, and what is not in Stripe's form, whatever its status
    "APIConnectionError": _unknown,  # no answer
}
"""What each class of the SDK's errors says of a call (docs: api/errors); those of API v2 alone say nothing known."""


@contextmanager
def told_apart() -> Iterator[None]:
    """Tell definite refusals from everything that leaves open whether something was done."""
    import stripe

    try:
        yield
    except stripe.StripeError as error:
        raise MEANINGS.get(type(error).__name__, _unknown)(error) from error
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise StripeUnreachable("Stripe's answer could not be understood") from error


def _without_key(text: str) -> str:
    """Stripe's words, which name the key in part."""
    return re.sub(r"\b((?:sk|rk)_(?:live|test)_)[\w*]+", r"\1…", text)


def session_state(session: Session, intent_status: str | None) -> SessionState:
    details = session.total_details or _NO_DETAILS
    return SessionState(
        id=session.id,
        status=session.status,
        payment_status=session.payment_status,
        amount_total=session.amount_total or 0,
        currency=session.currency or "",
        url=session.url,
        intent_id=intent_id_of(session),
        intent_status=intent_status,
        expires_at=session.expires_at,
        metadata=session.metadata or {},
        mode=session.mode,
        created=session.created,
        subtotal=session.amount_subtotal or 0,
        discount=details.amount_discount,
        shipping=details.amount_shipping or 0,
        tax=details.amount_tax,
    )


def intent_id_of(session: Session) -> str | None:
    intent = session.payment_intent
    return intent.id if isinstance(intent, Named) else intent


def refund_state(refund: "stripe.Refund") -> RefundState:
    return RefundState(
        id=_text(refund.id),
        status=_text(refund.status),
        amount=_whole(refund.amount),
        currency=_text(refund.currency),
        intent_id=_id(refund.payment_intent),
        metadata=metadata_of(refund),
        failure_reason=_read(getattr(refund, "failure_reason", None), str | None),
    )


def fee_state(intent: ChargedIntent) -> FeeState | None:
    charge = intent.latest_charge
    moved = charge.balance_transaction if isinstance(charge, Charge) else None
    return FeeState(moved.fee, moved.net, moved.currency) if isinstance(moved, BalanceTransaction) else None


def dispute_state(dispute: "stripe.Dispute") -> DisputeState:
    return DisputeState(
        id=_text(dispute.id),
        status=_text(dispute.status),
        amount=_whole(dispute.amount),
        reason=_text(dispute.reason),
        intent_id=_id(dispute.payment_intent),
        answer_by=_read(dispute.evidence_details.due_by, Whole | None),
        created=_whole(dispute.created),
        submissions=_whole(dispute.evidence_details.submission_count),
        has_evidence=_read(dispute.evidence_details.has_evidence, bool),
        metadata=metadata_of(dispute),
    )


def metadata_of(of: Any) -> dict[str, str]:
    return _read(of.metadata.to_dict(), dict[str, str]) if of.metadata else {}


def _id(reference: Any) -> str | None:
    return reference if reference is None or isinstance(reference, str) else _text(reference.id)


def _read(value: Any, kind: Any) -> Any:
    """The value, if it is of this kind; ValueError else."""
    return msgspec.convert(value, kind)


def _text(value: Any) -> str:
    return str(_read(value, str))


def _whole(value: Any) -> int:
    return int(_read(value, Whole))
