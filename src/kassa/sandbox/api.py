"""The `/v1` API: what is common to all calls. Which handler answers which call stands in `routes`."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import apsw

from kassa.sandbox import idempotency, known, params, reading
from kassa.sandbox.authentication import authenticate, check_permission
from kassa.sandbox.call import Call
from kassa.sandbox.config import API_VERSION, SandboxConfig
from kassa.sandbox.errors import ApiError, internal, unreachable, unsupported
from kassa.sandbox.events import Cause
from kassa.sandbox.faults import Fault, Faults
from kassa.sandbox.forms import parse_form
from kassa.sandbox.http import Answer, Request
from kassa.sandbox.ids import new_id
from kassa.sandbox.interference import Interference
from kassa.sandbox.limits import RateLimits
from kassa.sandbox.routes import Write, reads, writes
from kassa.sandbox.store import Store
from kassa.sandbox.tables import Tx, encode
from kassa.sandbox.timers import Timers

_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(\.[a-z]+)?(; ?[a-z_]+=v\d+)*")
_NAMESPACES = ("checkout", "core", "radar", "test_helpers")


def error_answer(problem: ApiError) -> Answer:
    """A refusal as an answer."""
    return Answer(problem.status, encode(problem.body()), headers=dict(problem.headers))


class Api:
    """Answers calls to `/v1/…` like Stripe does. `public_url` is where its card pages are reached."""

    def __init__(
        self, store: Store, config: SandboxConfig, faults: Faults, timers: Timers, interference: Interference
    ) -> None:
        self._store = store
        self._faults = faults
        self._timers = timers
        self._interference = interference
        self._keys = idempotency.Keys()
        self.public_url = config.public_url
        self._reads, self._writes = reads(), writes(lambda: self.public_url, config)
        self.limits = RateLimits(config.rate_limit)

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
        answer.headers["Stripe-Version"] = request.headers.get("stripe-version") or API_VERSION
        key = request.headers.get("idempotency-key")
        if key is not None and key.isascii() and key.isprintable():
            answer.headers["Idempotency-Key"] = key
        return answer

    async def _execute(self, request: Request, request_id: str) -> Answer:
        key = authenticate(request)
        template, object_id = _template(request.method, request.path)
        check_permission(key, request.method, template, self._store.reader)
        _refuse_other_accounts(request)
        self.limits.check(f"{request.method} {template}", self._store.clock.wall())
        fault = self._faults.take(request.method, request.path)
        if fault is not None:
            early = await _fault_before(fault)
            if early is not None:
                return early
        try:
            answer = await self._carry_out(_call(request, request_id, object_id), template, fault)
        except ApiError as problem:
            raise known.named(problem, request.method, template) from problem
        return await self._fault_after(fault, answer, request_id)

    async def _carry_out(self, call: Call, template: str, fault: Fault | None) -> Answer:
        read = self._reads.get(template) if call.method == "GET" else None
        if read is not None:
            await _dawdle(fault)
            return Answer(200, read(self._store.reader, call))
        write = self._writes.get((call.method, template))
        if write is None:
            raise known.no_endpoint(call.method, call.path)
        return await self._write(write, call, fault)

    async def _write(self, handler: Write, call: Call, fault: Fault | None) -> Answer:
        saved = self._keys.begin(self._store.reader, call, self._store.clock.now())
        if saved is not None:
            return saved
        try:
            await _dawdle(fault)  # the key is in use meanwhile, as it is while Stripe executes
            if fault is not None:
                await self._interference.meanwhile(fault, call.object_id)
            before = self._store.clock.offset
            answer = await self._store.write(lambda tx: run(tx, handler, call, fault))
            if self._store.clock.offset != before:
                await self._timers.settle()
            return answer
        finally:
            self._keys.end(call)

    async def _fault_after(self, fault: Fault | None, answer: Answer, request_id: str) -> Answer:
        if fault is not None and fault.kind == "webhooks_first":
            await self._interference.webhooks_first(fault, request_id)
        if fault is None or fault.kind != "timeout_after":
            return answer
        await asyncio.sleep(fault.seconds)
        return Answer(0, b"", cuts_connection=True)


def run(tx: Tx, handler: Write, call: Call, fault: Fault | None) -> Answer:
    """Execute a change and keep its answer, all in one transaction."""
    if call.method == "DELETE":  # Nothing more is said of what is to go.
        params.only(call.params, ())
    try:
        if fault is not None:
            fault.refuse()
        template, _ = _template(call.method, call.path)
        known.check_values(f"{call.method} {template}", call.params, is_older=call.is_older)
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


def _template(method: str, path: str) -> tuple[str, str]:
    """`/v1/charges/ch_1` is `/v1/charges/*` and `ch_1`. What Stripe has as it is stays: `/v1/charges/search`."""
    path = path.rstrip("/")
    if known.is_endpoint(method, path):
        return path, ""
    parts = path.split("/")
    for position in range(3, len(parts)):
        part = parts[position]
        is_name = parts[2] in _NAMESPACES and position == 3
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
    is_older = _is_older(request.headers.get("stripe-version"))
    call = Call(request.method, request.path, given, request_id, object_id, is_older=is_older)
    if request.method != "POST":
        return call
    key = request.headers.get("idempotency-key") or None
    return replace(call, idempotency_key=key, cause=Cause(request_id, key))


def _is_older(version: str | None) -> bool:
    """Whether a caller asks for another version than this one, or for none; 400 if there can be no such version."""
    if version and not _VERSION.fullmatch(version):
        raise ApiError(f"Invalid Stripe API version: {version[:40]}. The sandbox speaks {API_VERSION}.")
    return not version or version[:10] < API_VERSION[:10]


def _text(body: bytes) -> str:
    try:
        return body.decode("ascii")
    except UnicodeDecodeError as problem:
        raise ApiError("Invalid request: the body is not form-encoded.") from problem


def _refuse_other_accounts(request: Request) -> None:
    """400 for a call on behalf of another account (Stripe docs: connect/authentication, context)."""
    for name in ("Stripe-Account", "Stripe-Context"):
        if request.headers.get(name.lower()):
            raise unsupported(name)


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
