"""The port to Stripe, by the official SDK. The only module that imports it, and only when it is first needed: the
import costs a quarter of a second and 41 MB."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import msgspec

from kassa.contracts.payment import StripeKeyRefused, StripeUnreachable
from kassa.kit.clock import SECOND, Millis
from kassa.kit.wire import encode
from kassa.payment.events import EventObject
from kassa.payment.processor import (
    PATHS,
    BadSignature,
    CallUnderWay,
    DisputeState,
    RefundState,
    Refused,
    SavedFailure,
    SessionState,
)

if TYPE_CHECKING:
    import stripe

TIMEOUT_SECONDS = 20
OLDEST_SIGNATURE_SECONDS = 300
_CLOCK_MARGIN: Millis = 300 * SECOND
_SESSIONS = PATHS["checkout.session"]

T = TypeVar("T")


class _Intent(msgspec.Struct, frozen=True):
    id: str


class _Session(msgspec.Struct, frozen=True):
    """What is read of a Checkout Session."""

    id: str
    status: str
    payment_status: str
    amount_total: int
    currency: str
    expires_at: int
    url: str | None = None
    payment_intent: str | _Intent | None = None
    metadata: dict[str, str] | None = None


class StripeProcessor:
    """Calls Stripe with `secret_key`, or whatever stands at `api_base` in its place.

    `webhook_secrets` are all that are valid now: while one is rolled there are two.
    """

    def __init__(self, secret_key: str, webhook_secrets: tuple[str, ...], api_base: str | None = None) -> None:
        self._secret_key = secret_key
        self._webhook_secrets = webhook_secrets
        self._api_base = api_base
        self._http: Any = None

    @property
    def is_live(self) -> bool:
        """See kassa.payment.processor.Processor."""
        return self._secret_key.startswith(("sk_live_", "rk_live_"))

    @cached_property
    def _client(self) -> "stripe.StripeClient":
        import stripe

        # It would write into the home directory and report to Stripe (SDK: telemetry).
        stripe.enable_telemetry = False
        self._http = stripe.AIOHTTPClient(timeout=TIMEOUT_SECONDS)
        addresses: Any = {"api": self._api_base} if self._api_base else None
        # Retries have one owner, and it is not the SDK: effects are tried again by the relay, reads by the caller.
        return stripe.StripeClient(
            self._secret_key, base_addresses=addresses, http_client=self._http, max_network_retries=0
        )

    async def warm_up(self) -> None:
        """Import the SDK away from the event loop, before the first buyer waits for it."""
        await asyncio.to_thread(__import__, "stripe")

    async def check(self) -> None:
        """Return if Stripe takes our key; StripeKeyRefused or StripeUnreachable else."""
        with _told_apart():
            await self._client.v1.events.list_async({"limit": 1})

    async def open_session(self, params: dict[str, Any], key: str) -> SessionState:
        """See kassa.payment.processor.Processor."""
        with _told_apart():
            return _state(await self._session("post", _SESSIONS, **params, idempotency_key=key), None)

    async def session(self, session_id: str) -> SessionState:
        """See kassa.payment.processor.Processor."""
        with _told_apart():
            session = await self._session("get", _path(session_id))
            return _state(session, await self._intent_status(session))

    async def expire_session(self, session_id: str) -> SessionState:
        """See kassa.payment.processor.Processor."""
        with _told_apart():
            return _state(await self._session("post", f"{_path(session_id)}/expire"), None)

    async def find_session(self, payment_id: str, since: Millis) -> SessionState | None:
        """See kassa.payment.processor.Processor."""
        with _told_apart():
            made = await self._client.v1.checkout.sessions.list_async(
                {"created": {"gte": (since - _CLOCK_MARGIN) // SECOND}, "limit": 100}
            )
            async for session in made.auto_paging_iter():
                if _metadata(session).get("paymentId") == payment_id:
                    return await self.session(session.id)
        return None

    async def retrieve(self, kind: str, object_id: str) -> EventObject:
        """See kassa.payment.processor.Processor."""
        with _told_apart():
            answer = await self._client.raw_request_async("get", f"{PATHS[kind]}/{quote(object_id, safe='')}")
            return msgspec.json.decode(answer.body, type=EventObject)

    async def refund(self, params: dict[str, Any], key: str) -> RefundState:
        """See kassa.payment.processor.Processor."""
        sent: Any = params
        with _told_apart():
            return _refund(await self._client.v1.refunds.create_async(sent, {"idempotency_key": key}))

    async def refunds(self, intent_id: str) -> list[RefundState]:
        """See kassa.payment.processor.Processor."""
        with _told_apart():
            made = await self._client.v1.refunds.list_async({"payment_intent": intent_id, "limit": 100})
            return [_refund(refund) async for refund in made.auto_paging_iter()]

    async def refunds_since(self, since: Millis, after: str | None) -> tuple[list[RefundState], str | None]:
        """See kassa.payment.processor.Processor."""
        with _told_apart():
            page = await self._client.v1.refunds.list_async(_page(since, after))
            return [_refund(refund) for refund in page.data], page.data[-1].id if page.has_more else None

    async def refund_state(self, refund_id: str) -> RefundState:
        """See kassa.payment.processor.Processor."""
        with _told_apart():
            return _refund(await self._client.v1.refunds.retrieve_async(refund_id))

    async def dispute_state(self, dispute_id: str) -> DisputeState:
        """See kassa.payment.processor.Processor."""
        with _told_apart():
            return _dispute(await self._client.v1.disputes.retrieve_async(dispute_id))

    async def disputes_since(self, since: Millis, after: str | None) -> tuple[list[DisputeState], str | None]:
        """See kassa.payment.processor.Processor."""
        with _told_apart():
            page = await self._client.v1.disputes.list_async(_page(since, after))
            return [_dispute(dispute) for dispute in page.data], page.data[-1].id if page.has_more else None

    async def events(self, types: list[str], since: Millis, after: str | None) -> tuple[list[bytes], str | None]:
        """See kassa.payment.processor.Processor."""
        with _told_apart():
            page = await self._client.v1.events.list_async(_page(since, after, types=types))
            events = [encode(event.to_dict()) for event in page.data]
            return events, page.data[-1].id if page.has_more else None

    def verify(self, body: bytes, signature: str) -> None:
        """See kassa.payment.processor.Processor."""
        import stripe

        for secret in self._webhook_secrets:
            try:
                stripe.WebhookSignature.verify_header(body, signature, secret, tolerance=OLDEST_SIGNATURE_SECONDS)
            except (stripe.SignatureVerificationError, UnicodeDecodeError):
                continue
            return
        raise BadSignature

    async def close(self) -> None:
        """See kassa.payment.processor.Processor."""
        if self._http is not None:
            await self._http.close_async()

    async def _session(self, method: str, path: str, **params: Any) -> _Session:
        # The SDK's own objects cost three times what the rest of a call does, so that only the body is taken.
        answer = await self._client.raw_request_async(method, path, **params)
        return msgspec.json.decode(answer.body, type=_Session)

    async def _intent_status(self, session: _Session) -> str | None:
        # Whether a delayed payment is under way or has failed is only told by its PaymentIntent.
        intent_id = _intent_id(session)
        if session.status != "complete" or session.payment_status != "unpaid" or intent_id is None:
            return None
        intent = await self._client.v1.payment_intents.retrieve_async(intent_id)
        return str(intent.status)


@contextmanager
def _told_apart() -> Iterator[None]:
    """Tell definite refusals from everything that leaves open whether something was done."""
    import stripe

    try:
        yield
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise StripeKeyRefused("check STRIPE_SECRET_KEY") from error
    except stripe.IdempotencyError as error:
        raise SavedFailure from error
    except stripe.StripeError as error:
        status = error.http_status or 0
        if status in (400, 402, 404):
            raise Refused(status, error.code, error.user_message or str(error)) from error
        if status >= 500 and (error.headers or {}).get("Idempotent-Replayed") == "true":
            raise SavedFailure from error
        if error.code == "idempotency_key_in_use":
            raise CallUnderWay("the same call is under way at Stripe") from error
        raise StripeUnreachable(f"Stripe did not answer as it should ({status or 'no answer'})") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StripeUnreachable("Stripe's answer could not be understood") from error


def _path(session_id: str) -> str:
    return f"{_SESSIONS}/{quote(session_id, safe='')}"


def _state(session: _Session, intent_status: str | None) -> SessionState:
    return SessionState(
        id=session.id,
        status=session.status,
        payment_status=session.payment_status,
        amount_total=session.amount_total,
        currency=session.currency,
        url=session.url,
        intent_id=_intent_id(session),
        intent_status=intent_status,
        expires_at=session.expires_at,
        metadata=session.metadata or {},
    )


def _intent_id(session: _Session) -> str | None:
    intent = session.payment_intent
    return intent.id if isinstance(intent, _Intent) else intent


def _refund(refund: "stripe.Refund") -> RefundState:
    return RefundState(
        id=refund.id,
        status=_text(refund.status),
        amount=_whole(refund.amount),
        currency=_text(refund.currency),
        intent_id=_id(refund.payment_intent),
        metadata=_metadata(refund),
        failure_reason=getattr(refund, "failure_reason", None),
    )


def _dispute(dispute: "stripe.Dispute") -> DisputeState:
    return DisputeState(
        id=dispute.id,
        status=_text(dispute.status),
        amount=_whole(dispute.amount),
        reason=_text(dispute.reason),
        intent_id=_id(dispute.payment_intent),
        answer_by=dispute.evidence_details.due_by,
        created=_whole(dispute.created),
    )


def _metadata(of: Any) -> dict[str, str]:
    return dict(of.metadata.to_dict()) if of.metadata else {}


def _id(reference: Any) -> str | None:
    return reference if reference is None or isinstance(reference, str) else str(reference.id)


def _checked(kind: type[T]) -> Callable[[Any], T]:
    def check(value: Any) -> T:
        if not isinstance(value, kind):
            raise TypeError(f"expected {kind.__name__}")
        return value

    return check


_text = _checked(str)
_whole = _checked(int)


def _page(since: Millis, after: str | None, **filters: list[str]) -> Any:
    """What a list is asked with."""
    cursor = {"starting_after": after} if after else {}
    return {"created": {"gte": since // SECOND}, "limit": 100, **filters, **cursor}
