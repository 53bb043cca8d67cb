"""What happens by itself once the sandbox's clock reaches a time: expiry, late refunds, disputes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import apsw

from kassa.sandbox import coupons, delayed, disputes, events, refunds, sessions
from kassa.sandbox.store import Store
from kassa.sandbox.tables import Tx

BATCH = 100
LONGEST_WAIT = 30.0
AFTER_TROUBLE = 1.0


def _expire_session(tx: Tx, session_id: str) -> None:
    session = tx.find(session_id, "checkout.session")
    if session is not None and session["status"] == "open":
        sessions.close(tx, session, events.BY_ITSELF)


ACTIONS: dict[str, Callable[[Tx, str], None]] = {
    "coupon_ends": coupons.end,
    "expire_session": _expire_session,
    "refund_pending": refunds.succeed_later,
    "refund_fails": refunds.fail_later,
    "settle_debit": delayed.settle_by_itself,
    **disputes.AFTERMATH,
}


def run_due(tx: Tx) -> int:
    """Carry out what is due, at most `BATCH` of it; how many there were comes back."""
    sql = "SELECT id, action, subject FROM timer WHERE at <= ? ORDER BY at, id LIMIT ?"
    due = tx.rows(sql, tx.clock.now(), BATCH)
    for timer_id, action, subject in due:
        ACTIONS[action](tx, subject)
        tx.connection.execute("DELETE FROM timer WHERE id = ?", (timer_id,))
    return len(due)


class Timers:
    """The loop that sleeps until the next time and carries out what is due."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="sandbox-timers")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def wake(self) -> None:
        """Look again: a timer was added, or the clock moved."""
        self._woken.set()

    async def settle(self) -> None:
        """Carry out all that is due now."""
        while await self._store.write(run_due):
            pass

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                wait = await self._carry_on()
            except apsw.Error:  # The file is full, or another process holds it.
                wait = AFTER_TROUBLE
            # Not wait_for: Python 3.11's can lose a cancellation that comes in the moment of the result.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(wait, LONGEST_WAIT)):
                    await self._woken.wait()

    async def _carry_on(self) -> float:
        """Carry out what is due; the seconds to the next time come back."""
        while True:
            rows = self._store.reader.rows("SELECT min(at) FROM timer")
            wait = LONGEST_WAIT if rows[0][0] is None else rows[0][0] - self._store.clock.now()
            if wait > 0:
                return float(wait)
            await self.settle()
