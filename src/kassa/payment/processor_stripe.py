"""The port to Stripe, by the official SDK. The only module that imports it, and only when it is first needed: the
import costs a quarter of a second and 41 MB."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import msgspec

from kassa.kit.clock import SECOND, Millis
from kassa.kit.wire import encode
from kassa.payment.events import EventObject
from kassa.payment.processor import (
    COUPONS,
    PATHS,
    BadSignature,
    DisputeState,
    FeeState,
    RefundState,
    Refused,
    SessionState,
)
from kassa.payment.processor_answers import (
    ChargedIntent,
    Named,
    Session,
    SessionPage,
    dispute_state,
    fee_state,
    intent_id_of,
    metadata_of,
    refund_state,
    session_state,
    told_apart,
)
from kassa.payment.rights import Right, WebhookEndpoint

if TYPE_CHECKING:
    import stripe

TIMEOUT_SECONDS = 20
OLDEST_SIGNATURE_SECONDS = 300
LONGEST_SIGNATURE = 4096
"""Many times what Stripe sends: a time, and 70 characters for each secret that is valid."""
_CLOCK_MARGIN: Millis = 300 * SECOND
_SESSIONS = PATHS["checkout.session"]

T = TypeVar("T")


class StripeProcessor:
    """Calls Stripe with `secret_key`, or whatever stands at `api_base` in its place.

    `webhook_secrets` are all that are valid now: while one is rolled there are two. `proxy`: what its calls go through.
    """

    def __init__(
        self, secret_key: str, webhook_secrets: tuple[str, ...], api_base: str | None = None, proxy: str | None = None
    ) -> None:
        self._secret_key = secret_key
        self._webhook_secrets = webhook_secrets
        self._api_base = api_base
        self._proxy = proxy
        self._http: Any = None

    @property
    def is_live(self) -> bool:
        """See kassa.payment.processor.Processor."""
        return self._secret_key.startswith(("sk_live_", "rk_live_"))

    @cached_property
    def _client(self) -> "stripe.StripeClient":
        import stripe

        from kassa.payment.processor_http import PeerHTTPClient, lighten

        lighten()
        # It would write into the home directory and report to Stripe (SDK: telemetry).
        stripe.enable_telemetry = False
        self._http = PeerHTTPClient(TIMEOUT_SECONDS, self._proxy)
        addresses: Any = {"api": self._api_base} if self._api_base else None
        # Retries have one owner, and it is not the SDK: effects are tried again by the relay, reads by the caller.
        return stripe.StripeClient(
            self._secret_key, base_addresses=addresses, http_client=self._http, max_network_retries=0
        )

    async def warm_up(self) -> None:
        """Import the SDK away from the event loop, before the first buyer waits for it."""
        await asyncio.to_thread(__import__, "stripe")

    async def check(self) -> None:
        """See kassa.payment.rights.StripeAccount."""
        import stripe

        with told_apart(), suppress(stripe.PermissionError):
            await self._client.raw_request_async("get", "/v1/events", limit=1)

    async def use(self, right: Right) -> None:
        """See kassa.payment.rights.StripeAccount."""
        for method, path in right.tries:
            with suppress(Refused), told_apart():
                await self._client.raw_request_async(method, path, **({"limit": 1} if method == "get" else {}))

    async def webhook_endpoints(self) -> list[WebhookEndpoint]:
        """See kassa.payment.rights.StripeAccount."""
        with told_apart():
            made = await self._client.v1.webhook_endpoints.list_async({"limit": 100})
            return [msgspec.convert(each.to_dict(), WebhookEndpoint) async for each in made.auto_paging_iter()]

    async def account_id(self) -> str | None:
        """See kassa.payment.processor.Processor."""
        import stripe

        with suppress(Refused), told_apart(), suppress(stripe.PermissionError):
            return msgspec.json.decode((await self._client.raw_request_async("get", "/v1/account")).body, type=Named).id
        return None

    async def make_coupon(self, params: dict[str, Any], key: str) -> None:
        """See kassa.payment.processor.Processor."""
        try:
            with told_apart():
                await self._client.raw_request_async("post", COUPONS, **params, idempotency_key=key)
        except Refused as refused:
            if refused.code != "resource_already_exists":
                raise

    async def open_session(self, params: dict[str, Any], key: str) -> SessionState:
        """See kassa.payment.processor.Processor."""
        with told_apart():
            return session_state(await self._session("post", _SESSIONS, **params, idempotency_key=key), None)

    async def session(self, session_id: str) -> SessionState:
        """See kassa.payment.processor.Processor."""
        with told_apart():
            session = await self._session("get", _path(session_id))
            return session_state(session, await self._intent_status(session))

    async def expire_session(self, session_id: str) -> SessionState:
        """See kassa.payment.processor.Processor."""
        with told_apart():
            return session_state(await self._session("post", f"{_path(session_id)}/expire"), None)

    async def find_session(self, payment_id: str, since: Millis) -> SessionState | None:
        """See kassa.payment.processor.Processor."""
        with told_apart():
            made = await self._client.v1.checkout.sessions.list_async(
                {"created": {"gte": (since - _CLOCK_MARGIN) // SECOND}, "limit": 100}
            )
            async for session in made.auto_paging_iter():
                if metadata_of(session).get("paymentId") == payment_id:
                    return await self.session(session.id)
        return None

    async def sessions_since(self, since: Millis, after: str | None) -> tuple[list[SessionState], str | None]:
        """See kassa.payment.processor.Processor."""
        with told_apart():
            params = {**_page(since, after), "status": "complete"}
            answer = await self._client.raw_request_async("get", _SESSIONS, **params)
            page = msgspec.json.decode(answer.body, type=SessionPage)
            sessions = [session_state(session, None) for session in page.data]
            return sessions, page.data[-1].id if page.has_more else None

    async def retrieve(self, kind: str, object_id: str) -> EventObject:
        """See kassa.payment.processor.Processor."""
        with told_apart():
            answer = await self._client.raw_request_async("get", f"{PATHS[kind]}/{quote(object_id, safe='')}")
            return msgspec.json.decode(answer.body, type=EventObject)

    async def refund(self, params: dict[str, Any], key: str) -> RefundState:
        """See kassa.payment.processor.Processor."""
        sent: Any = params
        with told_apart():
            return refund_state(await self._client.v1.refunds.create_async(sent, {"idempotency_key": key}))

    async def refunds(self, intent_id: str) -> list[RefundState]:
        """See kassa.payment.processor.Processor."""
        with told_apart():
            made = await self._client.v1.refunds.list_async({"payment_intent": intent_id, "limit": 100})
            return [refund_state(refund) async for refund in made.auto_paging_iter()]

    async def refunds_since(self, since: Millis, after: str | None) -> tuple[list[RefundState], str | None]:
        """See kassa.payment.processor.Processor."""
        with told_apart():
            page = await self._client.v1.refunds.list_async(_page(since, after))
            return [refund_state(refund) for refund in page.data], page.data[-1].id if page.has_more else None

    async def refund_state(self, refund_id: str) -> RefundState:
        """See kassa.payment.processor.Processor."""
        with told_apart():
            return refund_state(await self._client.v1.refunds.retrieve_async(refund_id))

    async def fee(self, intent_id: str) -> FeeState | None:
        """See kassa.payment.processor.Processor."""
        with told_apart():
            path = f"{PATHS['payment_intent']}/{quote(intent_id, safe='')}"
            # Stripe: one call tells it (docs: expand/use-cases, "See the Stripe fee for a given payment").
            answer = await self._client.raw_request_async("get", path, expand=["latest_charge.balance_transaction"])
            return fee_state(msgspec.json.decode(answer.body, type=ChargedIntent))

    async def dispute_state(self, dispute_id: str) -> DisputeState:
        """See kassa.payment.processor.Processor."""
        with told_apart():
            return dispute_state(await self._client.v1.disputes.retrieve_async(dispute_id))

    async def answer_dispute(self, dispute_id: str, params: dict[str, Any], key: str) -> DisputeState:
        """See kassa.payment.processor.Processor."""
        given: Any = params
        with told_apart():
            return dispute_state(
                await self._client.v1.disputes.update_async(dispute_id, given, {"idempotency_key": key})
            )

    async def disputes_since(self, since: Millis, after: str | None) -> tuple[list[DisputeState], str | None]:
        """See kassa.payment.processor.Processor."""
        with told_apart():
            page = await self._client.v1.disputes.list_async(_page(since, after))
            return [dispute_state(dispute) for dispute in page.data], page.data[-1].id if page.has_more else None

    async def events(self, types: list[str], since: Millis, after: str | None) -> tuple[list[bytes], str | None]:
        """See kassa.payment.processor.Processor."""
        with told_apart():
            page = await self._client.v1.events.list_async(_page(since, after, types=types))
            events = [encode(event.to_dict()) for event in page.data]
            return events, page.data[-1].id if page.has_more else None

    def verify(self, body: bytes, signature: str) -> None:
        """See kassa.payment.processor.Processor."""
        if not signature:
            raise BadSignature("it has no Stripe-Signature")
        if len(signature) > LONGEST_SIGNATURE or not signature.isascii():
            raise BadSignature("its Stripe-Signature is none of Stripe's")
        if any(_is_signed(body, signature, secret, OLDEST_SIGNATURE_SECONDS) for secret in self._webhook_secrets):
            return
        if any(_is_signed(body, signature, secret, None) for secret in self._webhook_secrets):
            raise BadSignature(f"signed more than {OLDEST_SIGNATURE_SECONDS} s ago: is this machine's clock right?")
        raise BadSignature("signed with none of the secrets in STRIPE_WEBHOOK_SECRET")

    async def close(self) -> None:
        """See kassa.payment.processor.Processor."""
        if self._http is not None:
            await self._http.close_async()

    async def _session(self, method: str, path: str, **params: Any) -> Session:
        # The SDK's own objects cost three times what the rest of a call does, so that only the body is taken.
        answer = await self._client.raw_request_async(method, path, **params)
        return msgspec.json.decode(answer.body, type=Session)

    async def _intent_status(self, session: Session) -> str | None:
        # Whether a delayed payment is under way or has failed is only told by its PaymentIntent.
        intent_id = intent_id_of(session)
        if session.status != "complete" or session.payment_status != "unpaid" or intent_id is None:
            return None
        intent = await self._client.v1.payment_intents.retrieve_async(intent_id)
        return str(intent.status)


def _is_signed(body: bytes, signature: str, secret: str, tolerance: int | None) -> bool:
    verify, refusal = _verifying()
    try:
        verify(body, signature, secret, tolerance)
    except (refusal, ValueError):  # a time that is no number, a body that is no text
        return False
    return True


@cache
def _verifying() -> tuple[Callable[..., bool], type[Exception]]:
    """The SDK's function, and what it raises; to find them there takes as long as to look for a signature."""
    import stripe

    return stripe.WebhookSignature.verify_header, stripe.SignatureVerificationError


def _path(session_id: str) -> str:
    return f"{_SESSIONS}/{quote(session_id, safe='')}"


def _page(since: Millis, after: str | None, **filters: list[str]) -> Any:
    """What a list is asked with."""
    cursor = {"starting_after": after} if after else {}
    return {"created": {"gte": since // SECOND}, "limit": 100, **filters, **cursor}
