"""Delivering events to webhook endpoints, and again until they are taken (Stripe docs: webhooks).

What is still to be delivered is in the database, so it goes on after a restart. There is no promise of order.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from typing import Any, Literal

import aiohttp
import apsw

from kassa.sandbox.config import SandboxConfig
from kassa.sandbox.endpoints import valid_secrets
from kassa.sandbox.store import Store
from kassa.sandbox.tables import Tx, decode, encode
from kassa.sandbox.thin import thin_event

Mode = Literal["normal", "paused", "dropped", "duplicated", "reversed"]
AT_ONCE = 16
BATCH = 100
GATHER = 0.2
"""How long `reversed` waits, in seconds, for a batch that it can turn round."""
LONGEST_WAIT = 5.0
AFTER_TROUBLE = 1.0


def sign(body: bytes, secrets: tuple[str, ...], at: int) -> str:
    """The `Stripe-Signature` header: HMAC-SHA256 over `{t}.{body}`, one `v1` for each secret."""
    signed = b"%d.%b" % (at, body)
    marks = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={at}", *(f"v1={mark}" for mark in marks)])


@dataclass(frozen=True, order=True)
class Delivery:
    """One event on its way to one endpoint."""

    next_at: float
    id: int
    event: str
    endpoint: str
    attempts: int
    first_at: float


class Deliveries:
    """The loop that sends. `mode`, `delay` and `skew` (both seconds) are what tests make go wrong."""

    def __init__(self, store: Store, config: SandboxConfig) -> None:
        self.mode: Mode = "normal"
        self.delay = 0.0
        self.skew = 0.0
        self._store = store
        self._config = config
        self._cursor = 0
        self._waiting: list[Delivery] = []
        self._running: set[asyncio.Task[None]] = set()
        self._first_answers: dict[str, set[asyncio.Future[None]]] = {}
        self._woken = asyncio.Event()
        self._loop_task: asyncio.Task[None] | None = None
        self._client: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        timeout = aiohttp.ClientTimeout(total=self._config.delivery_timeout)
        connector = aiohttp.TCPConnector(limit=AT_ONCE * 2, ssl=self._config.trusted)
        jar = aiohttp.DummyCookieJar()
        self._client = aiohttp.ClientSession(timeout=timeout, connector=connector, cookie_jar=jar)
        self._loop_task = asyncio.create_task(self._run(), name="sandbox-deliveries")

    async def stop(self) -> None:
        """Stop sending. An attempt that is cut off here is made again at the next start."""
        tasks = [task for task in (self._loop_task, *self._running) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.close()

    def wake(self) -> None:
        """Look again: an event was stored, the clock moved or the mode changed."""
        self._woken.set()

    async def first_answer(self, event_id: str, timeout: float) -> None:
        """Wait until every endpoint has answered the first attempt at an event, at most `timeout` seconds."""
        if self.mode in ("paused", "dropped") or not self._store.reader.pending_webhooks(event_id):
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._first_answers.setdefault(event_id, set()).add(future)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await future
        finally:
            self._first_answers.pop(event_id, None)

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            if self.mode != "paused":
                try:
                    await self._claim_new()
                except apsw.Error:  # The file is full, or another process holds it: what waits in it is not lost.
                    self._look_again_soon()
                self._send_due()
            # Not wait_for: Python 3.11's can lose a cancellation that comes in the moment of the result.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._woken.wait()

    def _pause(self) -> float:
        if self.mode == "paused" or not self._waiting or len(self._running) >= AT_ONCE:
            return LONGEST_WAIT
        return min(LONGEST_WAIT, max(0.001, self._waiting[0].next_at - self._store.clock.now()))

    async def _claim_new(self) -> None:
        """Take the deliveries that were stored since the last look, a bounded number at a time."""
        if len(self._waiting) > BATCH * 10:
            self._look_again_soon()
            return
        if self.mode == "reversed":
            await asyncio.sleep(GATHER)
        sql = (
            "SELECT next_at, id, event, endpoint, attempts, first_at FROM delivery"
            " WHERE state = 'pending' AND id > ? ORDER BY id LIMIT ?"
        )
        rows = self._store.reader.rows(sql, self._cursor, BATCH)
        if not rows:
            return
        found = [Delivery(*row) for row in rows]
        if self.mode == "dropped":
            await self._drop(found)  # Before the cursor moves: if it cannot be kept, they are found again.
            self._cursor = rows[-1][1]
            return
        self._cursor = rows[-1][1]
        if self.mode == "reversed":
            await self._send_backwards(found)
            return
        for delivery in found:
            heappush(self._waiting, self._delayed(delivery))
        if len(rows) == BATCH:
            self._woken.set()

    def _look_again_soon(self) -> None:
        asyncio.get_running_loop().call_later(0.05, self._woken.set)

    def _delayed(self, delivery: Delivery) -> Delivery:
        if delivery.attempts or not self.delay:
            return delivery
        at = delivery.first_at + self.delay
        return Delivery(at, delivery.id, delivery.event, delivery.endpoint, 0, delivery.first_at)

    def _send_due(self) -> None:
        now = self._store.clock.now()
        while self._waiting and self._waiting[0].next_at <= now and len(self._running) < AT_ONCE:
            delivery = heappop(self._waiting)
            task = asyncio.create_task(self._deliver(delivery))
            self._running.add(task)
            task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._woken.set()

    async def _send_backwards(self, found: list[Delivery]) -> None:
        for delivery in reversed(found):
            await self._deliver(delivery)

    async def _drop(self, found: list[Delivery]) -> None:
        ids = [(delivery.id,) for delivery in found]
        await self._store.write(
            lambda tx: tx.connection.executemany("UPDATE delivery SET state = 'dropped' WHERE id = ?", ids)
        )

    async def _deliver(self, delivery: Delivery) -> None:
        try:
            await self._attempt(delivery)
        except apsw.Error:  # What became of the attempt could not be kept, so it is made again.
            heappush(self._waiting, replace(delivery, next_at=self._store.clock.now() + AFTER_TROUBLE))

    async def _attempt(self, delivery: Delivery) -> None:
        endpoint = self._store.reader.find(delivery.endpoint, "webhook_endpoint")
        body = self._store.reader.body(delivery.event, "event")
        if endpoint is None or body is None or endpoint["status"] != "enabled":
            await self._store.write(lambda tx: _mark(tx, delivery, "dropped", "endpoint gone"))
            return
        if endpoint["api_version"]:  # An endpoint may be pinned to a version of its own.
            body = encode({**decode(body), "api_version": endpoint["api_version"]})
        secrets = tuple(valid_secrets(self._store.reader.private(delivery.endpoint), self._store.clock.now()))
        bodies = [body] * (2 if self.mode == "duplicated" else 1)
        if self._store.reader.account.sends_thin_events:
            bodies.append(encode(thin_event(decode(body))))
        answers = [await self._post(endpoint["url"], each, secrets) for each in bodies]
        await self._note(delivery, min(answers, key=_is_taken))  # One that is not taken has all sent again.

    async def _post(self, url: str, body: bytes, secrets: tuple[str, ...]) -> str:
        """Send once; the status, or the name of what went wrong, comes back."""
        assert self._client is not None
        # The receiver compares with its own clock, so the time is the real one (unless a test skews it).
        signature = sign(body, secrets, int(self._store.clock.wall() + self.skew))
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature,
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        try:
            async with self._client.post(url, data=body, headers=headers, allow_redirects=False) as response:
                await response.read()
                return str(response.status)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as problem:
            return type(problem).__name__

    async def _note(self, delivery: Delivery, answer: str) -> None:
        clock, config = self._store.clock, self._config
        if _is_taken(answer):
            await self._store.write(lambda tx: _mark(tx, delivery, "delivered", answer))
        elif clock.now() - delivery.first_at > config.retry_for:
            await self._store.write(lambda tx: _mark(tx, delivery, "failed", answer))
        else:
            pause = min(config.retry_cap, config.retry_base * 2.0 ** min(delivery.attempts, 30))
            again = Delivery(
                clock.now() + pause, delivery.id, delivery.event, delivery.endpoint,
                delivery.attempts + 1, delivery.first_at,
            )  # fmt: skip
            await self._store.write(lambda tx: _mark(tx, again, "pending", answer))
            heappush(self._waiting, again)
        self._tell_first_answer(delivery.event)

    def _tell_first_answer(self, event_id: str) -> None:
        waiting = self._first_answers.get(event_id)
        if not waiting:
            return
        sql = "SELECT count(*) FROM delivery WHERE event = ? AND state = 'pending' AND attempts = 0"
        if self._store.reader.rows(sql, event_id)[0][0] == 0:
            for future in waiting:
                if not future.done():
                    future.set_result(None)

    def counts(self) -> dict[str, Any]:
        """How many deliveries are in which state."""
        return dict(self._store.reader.rows("SELECT state, count(*) FROM delivery GROUP BY state"))


def _is_taken(answer: str) -> bool:
    return answer.startswith("2") and len(answer) == 3


def _mark(tx: Tx, delivery: Delivery, state: str, answer: str) -> None:
    tx.connection.execute(
        "UPDATE delivery SET state = ?, attempts = ?, next_at = ?, answer = ? WHERE id = ?",
        (state, delivery.attempts + (state == "delivered"), delivery.next_at, answer, delivery.id),
    )
