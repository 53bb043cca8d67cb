"""Stripe: the sandbox's own core without a server, the way to it, and its webhooks on their way back."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import apsw
import msgspec

from kassa.contracts.payment import StripeUnreachable
from kassa.kit.clock import SECOND, Millis
from kassa.kit.problem import Problem
from kassa.payment.events import EventObject
from kassa.payment.processor import (
    COUPONS,
    PATHS,
    BadSignature,
    CallUnderWay,
    DisputeState,
    FeeState,
    RefundState,
    Refused,
    SavedFailure,
    SessionState,
)
from kassa.sandbox import api, idempotency, ids, routes, tables, timers
from kassa.sandbox.call import Call
from kassa.sandbox.config import Clock, SandboxConfig
from kassa.sandbox.errors import ApiError
from kassa.sandbox.events import Cause
from kassa.sandbox.faults import Fault
from kassa.simulation.stripe_answers import dispute_state, fee_state, refund_state, session_state
from kassa.simulation.surroundings import Host, Surroundings

if TYPE_CHECKING:
    from pathlib import Path

Receive = Callable[[bytes, str], Awaitable[None]]
"""Takes a webhook in, with its signature; a Problem if nobody is there."""
Json = dict[str, Any]
SIGNATURE = "signed"
_LATER, _BANK_DELAY = 45.0, 600.0
_TRIES = 12
_SAVED_500, _NO_FUNDS = Fault("", "error_500_after"), Fault("", "no_funds")
_EVENTS = "SELECT seq, body FROM object WHERE kind = 'event' AND seq > ? ORDER BY seq"


class Stripe:
    """What happens at Stripe happens at once; on the way there and back things take time and get lost."""

    def __init__(self, world: Surroundings, database: "Path", receive: Receive) -> None:
        ids.use(lambda: int(world.now() * 1e9), world.chance("Stripe's ids").randbytes)
        self._world = world
        self._receive = receive
        self._chance = world.chance("webhooks")
        self._config = SandboxConfig(database, later=_LATER, bank_delay=_BANK_DELAY)
        connection = apsw.Connection(":memory:")
        connection.execute(tables.SCHEMA)
        self.tx = tables.Tx(connection, Clock(world.now))
        self._keys = idempotency.Keys()
        self._reads = routes.reads()
        self._writes = routes.writes(lambda: "https://pay.example", self._config)
        self._calls = 0
        self._last_event = 0

    def do(self, job: Any) -> Any:
        """Something that happens at Stripe: a buyer pays, an operator refunds in the dashboard."""
        connection = self.tx.connection
        connection.execute("BEGIN")
        try:
            value = job(self.tx)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        self._tell()
        return value

    def request(self, method: str, template: str, id: str, given: Json, key: str | None, fault: Fault | None) -> Json:
        """A call of the API, as `POST`, `/v1/refunds/*` and an id. Raises `ApiError`."""
        self._calls += 1
        request_id = f"req_{self._calls}"
        path = template.replace("*", id)
        call = Call(method, path, _as_form(given), request_id, id, key, cause=Cause(request_id, key))
        if method == "GET":
            return _decoded(self._reads[template](self.tx, call))
        saved = self._keys.begin(self.tx, call, self.tx.clock.now())
        try:
            answer = saved or self.do(lambda tx: api.run(tx, self._writes[method, template], call, fault))
        finally:
            self._keys.end(call)
        if answer.status == 200:
            return _decoded(answer.body)
        if answer.status == 500 and saved is not None:
            raise SavedFailure
        error = _decoded(answer.body)["error"]
        raise ApiError(error["message"], status=answer.status, type=error["type"], code=error.get("code"))

    async def live(self) -> None:
        """What happens by itself as time passes: sessions expire, debits settle, refunds end."""
        while True:
            await asyncio.sleep(15)
            self.do(timers.run_due)

    def _tell(self) -> None:
        """Send the webhooks of what has happened since."""
        for seq, body in self.tx.rows(_EVENTS, self._last_event):
            self._last_event = seq
            faults, about = self._world.faults, _order_of(body)
            if faults.strikes("webhook lost", about):
                continue
            copies = [body]
            if faults.strikes("webhook again", about):
                copies.append(body)
            if faults.strikes("webhook with another id", about):
                event = _decoded(body)
                copies.append(tables.encode({**event, "id": f"{event['id']}_again"}))
            for each in copies:
                late = faults.within("webhook late", 60, 5400) if faults.strikes("webhook late", about) else 0
                self._world.begin(self._deliver(each, late + self._chance.expovariate(2)))

    async def _deliver(self, body: bytes, wait: float) -> None:
        for attempt in range(_TRIES):
            await asyncio.sleep(wait)
            try:
                await self._receive(body, SIGNATURE)
            except Problem:
                wait = min(3600.0, 2.0**attempt * 5)
            else:
                return


class Way:
    """One process's way to Stripe; satisfies kassa.payment.processor.Processor."""

    is_live = False

    def __init__(self, process: Host, stripe: Stripe) -> None:
        self._process = process
        self._stripe = stripe

    async def make_coupon(self, params: Json, key: str) -> None:
        try:
            await self._call("POST", COUPONS, "", params, key, params["metadata"]["orderId"])
        except Refused as refused:
            if refused.code != "resource_already_exists":
                raise

    async def open_session(self, params: Json, key: str) -> SessionState:
        about = params["metadata"]["orderId"]
        return session_state(await self._call("POST", "/v1/checkout/sessions", "", params, key, about), None)

    async def session(self, session_id: str) -> SessionState:
        session = await self._call("GET", "/v1/checkout/sessions/*", session_id)
        return session_state(session, await self._intent_status(session))

    async def expire_session(self, session_id: str) -> SessionState:
        return session_state(await self._call("POST", "/v1/checkout/sessions/*/expire", session_id), None)

    async def find_session(self, payment_id: str, since: Millis) -> SessionState | None:
        given: Json = {"created": {"gte": since // SECOND - 300}, "limit": 100}
        while True:
            page = await self._call("GET", "/v1/checkout/sessions", "", given)
            for session in page["data"]:
                if session["metadata"].get("paymentId") == payment_id:
                    return await self.session(session["id"])
            if not page["has_more"]:
                return None
            given["starting_after"] = page["data"][-1]["id"]

    async def sessions_since(self, since: Millis, after: str | None) -> tuple[list[SessionState], str | None]:
        page = await self._call("GET", "/v1/checkout/sessions", "", {"status": "complete", **_page(since, after)})
        return [session_state(each, None) for each in page["data"]], page["data"][-1]["id"] if page[
            "has_more"
        ] else None

    async def account_id(self) -> str | None:
        return None  # no event here names an account

    async def retrieve(self, kind: str, object_id: str) -> EventObject:
        return msgspec.convert(await self._call("GET", f"{PATHS[kind]}/*", object_id), EventObject)

    async def refund(self, params: Json, key: str) -> RefundState:
        about = params["metadata"]["orderId"]
        fault = _NO_FUNDS if self._process.world.faults.strikes("Stripe has no funds", about) else None
        return refund_state(await self._call("POST", "/v1/refunds", "", params, key, about, fault))

    async def refunds(self, intent_id: str) -> list[RefundState]:
        page = await self._call("GET", "/v1/refunds", "", {"payment_intent": intent_id, "limit": 100})
        return [refund_state(refund) for refund in page["data"]]

    async def refund_state(self, refund_id: str) -> RefundState:
        return refund_state(await self._call("GET", "/v1/refunds/*", refund_id))

    async def fee(self, intent_id: str) -> FeeState | None:
        given = {"expand": ["latest_charge.balance_transaction"]}
        return fee_state(await self._call("GET", "/v1/payment_intents/*", intent_id, given))

    async def dispute_state(self, dispute_id: str) -> DisputeState:
        return dispute_state(await self._call("GET", "/v1/disputes/*", dispute_id))

    async def answer_dispute(self, dispute_id: str, params: Json, key: str) -> DisputeState:
        about = params["metadata"]["orderId"]
        return dispute_state(await self._call("POST", "/v1/disputes/*", dispute_id, params, key, about))

    async def refunds_since(self, since: Millis, after: str | None) -> tuple[list[RefundState], str | None]:
        page = await self._call("GET", "/v1/refunds", "", _page(since, after))
        return [refund_state(each) for each in page["data"]], page["data"][-1]["id"] if page["has_more"] else None

    async def disputes_since(self, since: Millis, after: str | None) -> tuple[list[DisputeState], str | None]:
        page = await self._call("GET", "/v1/disputes", "", _page(since, after))
        return [dispute_state(each) for each in page["data"]], page["data"][-1]["id"] if page["has_more"] else None

    async def events(self, types: list[str], since: Millis, after: str | None) -> tuple[list[bytes], str | None]:
        page = await self._call("GET", "/v1/events", "", {"types": types, **_page(since, after)})
        found = [tables.encode(event) for event in page["data"]]
        return found, page["data"][-1]["id"] if page["has_more"] else None

    def verify(self, body: bytes, signature: str) -> None:
        if signature != SIGNATURE:
            raise BadSignature

    async def close(self) -> None:
        return

    async def _intent_status(self, session: Json) -> str | None:
        if session["status"] != "complete" or session["payment_status"] != "unpaid":
            return None
        intent = await self._call("GET", "/v1/payment_intents/*", session["payment_intent"])
        return str(intent["status"])

    async def _call(
        self,
        method: str,
        template: str,
        id: str = "",
        given: Json | None = None,
        key: str | None = None,
        about: str = "",
        fault: Fault | None = None,
    ) -> Json:
        faults = self._process.world.faults
        await self._process.pause(about)
        if faults.strikes("Stripe did not answer", about) or faults.strikes("Stripe 429", about):
            raise StripeUnreachable("no answer")
        fault = _SAVED_500 if key is not None and faults.strikes("Stripe saved 500", about) else fault
        with _told_apart():
            answer = self._stripe.request(method, template, id, given or {}, key, fault)
        await self._process.pause(about)
        if faults.strikes("Stripe answer lost", about):
            raise StripeUnreachable("the answer was lost")
        return answer


@contextmanager
def _told_apart() -> Iterator[None]:
    """As the real adapter does: definite refusals, and everything that leaves open whether something was done."""
    try:
        yield
    except ApiError as error:
        if error.type == "idempotency_error":
            raise (CallUnderWay() if error.status == 409 else SavedFailure()) from error
        if error.status in (400, 402, 404):
            raise Refused(error.status, error.code, error.message) from error
        raise StripeUnreachable(error.message) from error


def _page(since: Millis, after: str | None) -> Json:
    cursor = {"starting_after": after} if after else {}
    return {"created": {"gte": since // SECOND}, "limit": 100, **cursor}


def _as_form(value: Any) -> Any:
    """Parameters as they are once a form was parsed: all leaves are text."""
    if isinstance(value, dict):
        return {name: _as_form(child) for name, child in value.items()}
    if isinstance(value, list):
        return [_as_form(child) for child in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


_decoded = msgspec.json.Decoder(Json).decode


def _order_of(body: bytes) -> str:
    metadata = _decoded(body)["data"]["object"].get("metadata") or {}
    return str(metadata.get("orderId", ""))
