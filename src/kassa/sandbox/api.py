"""The `/v1` API: which handler answers which call, and what is common to all calls."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from dataclasses import replace

import apsw

from kassa.sandbox import disputes, endpoints, idempotency, params, reading, refunds, sessions
from kassa.sandbox.call import Call
from kassa.sandbox.config import API_VERSION, SandboxConfig
from kassa.sandbox.errors import ApiError, Json, internal, unreachable
from kassa.sandbox.events import Cause
from kassa.sandbox.faults import Fault, Faults
from kassa.sandbox.forms import parse_form
from kassa.sandbox.http import Answer, Request
from kassa.sandbox.ids import new_id
from kassa.sandbox.reading import LISTINGS, Listing
from kassa.sandbox.store import Store
from kassa.sandbox.tables import Reader, Tx, encode

Read = Callable[[Reader, Call], bytes]
Write = Callable[[Tx, Call], Json]


def error_answer(problem: ApiError) -> Answer:
    """A refusal as an answer."""
    return Answer(problem.status, encode(problem.body()), headers=dict(problem.headers))


class Api:
    """Answers calls to `/v1/…` like Stripe does. `public_url` is where its card pages are reached."""

    def __init__(self, store: Store, config: SandboxConfig, faults: Faults) -> None:
        self.public_url = config.public_url
        self._store = store
        self._later = config.later
        self._faults = faults
        self._keys = idempotency.Keys()
        self._reads, self._writes = self._routes()

    async def answer(self, request: Request) -> Answer:
        """Answer one call. Never raises `ApiError`."""
        request_id = new_id("request")
        try:
            answer = await self._execute(request, request_id)
        except ApiError as problem:
            answer = error_answer(problem)
        except apsw.Error:
            answer = error_answer(unreachable())
        answer.headers["Request-Id"] = request_id
        answer.headers["Stripe-Version"] = API_VERSION
        key = request.headers.get("idempotency-key")
        if key is not None and key.isascii() and key.isprintable():
            answer.headers["Idempotency-Key"] = key
        return answer

    async def _execute(self, request: Request, request_id: str) -> Answer:
        _authenticate(request)
        fault = self._faults.take(request.method, request.path)
        if fault is not None:
            early = await _fault_before(fault)
            if early is not None:
                return early
        template, object_id = _template(request.path)
        call = _call(request, request_id, object_id)
        read = self._reads.get(template) if request.method == "GET" else None
        if read is not None:
            await _dawdle(fault)
            answer = Answer(200, read(self._store.reader, call))
        else:
            write = self._writes.get((request.method, template))
            if write is None:
                raise _unrecognized(request)
            answer = await self._write(write, call, fault)
        return await _fault_after(fault, answer)

    async def _write(self, handler: Write, call: Call, fault: Fault | None) -> Answer:
        saved = self._keys.begin(self._store.reader, call, self._store.clock.now())
        if saved is not None:
            return saved
        try:
            await _dawdle(fault)  # the key is in use meanwhile, as it is while Stripe executes
            return await self._store.write(lambda tx: _run(tx, handler, call, fault))
        finally:
            self._keys.end(call)

    def _routes(self) -> tuple[dict[str, Read], dict[tuple[str, str], Write]]:
        reads: dict[str, Read] = {}
        for listing in LISTINGS:
            reads[listing.path] = _list(listing)
            reads[f"{listing.path}/*"] = _retrieve(listing.kind)
        reads["/v1/payment_methods/*"] = _retrieve("payment_method")
        reads["/v1/radar/early_fraud_warnings/*"] = _retrieve("radar.early_fraud_warning")
        reads["/v1/checkout/sessions/*/line_items"] = lambda reader, call: reading.line_items(
            reader, call.object_id, call.params
        )
        writes: dict[tuple[str, str], Write] = {
            ("POST", "/v1/checkout/sessions"): lambda tx, call: sessions.create(tx, call, self.public_url),
            ("POST", "/v1/checkout/sessions/*"): sessions.change,
            ("POST", "/v1/checkout/sessions/*/expire"): _expire,
            ("POST", "/v1/refunds"): lambda tx, call: refunds.create(tx, call, self._later),
            ("POST", "/v1/refunds/*"): refunds.change,
            ("POST", "/v1/disputes/*/close"): _close_dispute,
            ("POST", "/v1/webhook_endpoints"): endpoints.create,
            ("POST", "/v1/webhook_endpoints/*"): endpoints.change,
            ("DELETE", "/v1/webhook_endpoints/*"): endpoints.remove,
        }
        return reads, writes


def _run(tx: Tx, handler: Write, call: Call, fault: Fault | None) -> Answer:
    """Execute a change and keep its answer, all in one transaction."""
    try:
        value = handler(tx, call)
        expand = params.sequence(call.params, "expand")
        if expand:
            value = reading.expand_object(tx, dict(value), expand)
        answer = Answer(200, encode(value))
    except ApiError as problem:
        if not problem.is_saved:
            raise
        answer = error_answer(problem)
    if fault is not None and fault.kind == "error_500_after":
        answer = error_answer(internal())
    idempotency.save(tx, call, answer)
    return answer


def _list(listing: Listing) -> Read:
    return lambda reader, call: reading.list_objects(reader, listing, call.params)


def _retrieve(kind: str) -> Read:
    return lambda reader, call: reading.retrieve(reader, kind, call.object_id, call.params)


def _expire(tx: Tx, call: Call) -> Json:
    params.only(call.params, {"expand"})
    return sessions.expire(tx, call)


def _close_dispute(tx: Tx, call: Call) -> Json:
    params.only(call.params, {"expand"})
    return disputes.close_dispute(tx, call.object_id, "lost", call.cause)


def _template(path: str) -> tuple[str, str]:
    """`/v1/charges/ch_1` is `/v1/charges/*` and `ch_1`; ids are told from names by the underscore and a digit."""
    parts = path.rstrip("/").split("/")
    for position in range(3, len(parts)):
        part = parts[position]
        is_name = parts[2] in ("checkout", "radar") and position == 3
        if not is_name:
            return "/".join([*parts[:position], "*", *parts[position + 1 :]]), part
    return "/".join(parts), ""


def _call(request: Request, request_id: str, object_id: str) -> Call:
    given = parse_form(request.query)
    if request.method == "POST":
        if request.body and request.content_type not in ("application/x-www-form-urlencoded", ""):
            text = f"Invalid request: send application/x-www-form-urlencoded, not {request.content_type}."
            raise ApiError(text)
        given = {**given, **parse_form(_text(request.body))}
    call = Call(request.method, request.path, given, request_id, object_id)
    if request.method != "POST":
        return call
    key = request.headers.get("idempotency-key") or None
    return replace(call, idempotency_key=key, cause=Cause(request_id, key))


def _text(body: bytes) -> str:
    try:
        return body.decode("ascii")
    except UnicodeDecodeError as problem:
        raise ApiError("Invalid request: the body is not form-encoded.") from problem


def _authenticate(request: Request) -> None:
    """Any test key will do; none, or something else, is 401 (Stripe docs: api/authentication)."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    key = credentials.strip()
    if scheme.lower() == "basic":
        try:
            key = base64.b64decode(key, validate=True).decode("latin-1").partition(":")[0]
        except ValueError:
            key = ""
    if scheme.lower() not in ("bearer", "basic") or not key:
        text = (
            "You did not provide an API key. You need to provide your API key in the Authorization header, using"
            " Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). The sandbox takes any key that starts with"
            " sk_test_."
        )
        raise ApiError(text, status=401, headers={"WWW-Authenticate": 'Bearer realm="Stripe"'})
    if not key.startswith("sk_test_") or len(key) < 9:
        shown = f"{key[:3]}****{key[-4:]}" if len(key) > 12 else "****"
        text = f"Invalid API Key provided: {shown}. The sandbox takes any key that starts with sk_test_."
        raise ApiError(text, status=401)


def _unrecognized(request: Request) -> ApiError:
    text = f"Unrecognized request URL ({request.method}: {request.path}). The Kassa sandbox may not have this endpoint."
    return ApiError(text, status=404)


async def _fault_before(fault: Fault) -> Answer | None:
    """The answer of a fault that keeps the call from being executed."""
    if fault.kind == "timeout_before":
        await asyncio.sleep(fault.seconds)
    if fault.kind in ("reset", "timeout_before"):
        return Answer(0, b"", cuts_connection=True)
    if fault.kind == "nonsense":
        return Answer(200, b"<html><body>It works!</body></html>", "text/html")
    refusal = fault.refusal()
    return None if refusal is None else error_answer(refusal)


async def _dawdle(fault: Fault | None) -> None:
    if fault is not None and fault.kind == "slow":
        await asyncio.sleep(fault.seconds)


async def _fault_after(fault: Fault | None, answer: Answer) -> Answer:
    if fault is None or fault.kind != "timeout_after":
        return answer
    await asyncio.sleep(fault.seconds)
    return Answer(0, b"", cuts_connection=True)
