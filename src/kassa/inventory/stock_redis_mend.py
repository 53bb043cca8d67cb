"""Which server process is trusted with the stock, and what happens when it is another one.

A process that was restarted, or took over from another, may lack the last writes: stock changes are refused then
(`Server.run`) until the mender has made up for the loss.
"""

import secrets
from collections.abc import Sequence
from typing import Any

import structlog
from redis.exceptions import NoScriptError

from kassa.inventory.ledger import Ledger
from kassa.inventory.mending import WantedReservations
from kassa.inventory.stock_redis_moves import Ended, Keys, Moves
from kassa.inventory.stock_redis_operations import Operations
from kassa.inventory.stock_redis_repair import Lost, Repair
from kassa.inventory.stock_redis_server import Server
from kassa.kit.clock import MINUTE, Millis
from kassa.kit.documents import Collection, CollectionSpec, Conflict, Document, Duplicate
from kassa.kit.problem import Unavailable

LEAP = 1_000_000
"""How far numbers go on after a loss: more than any process can have read and not yet entered in the ledger."""
SECOND_LOOK: Millis = MINUTE
"""When it is looked again: for an order that was written late, after its stock was held and lost."""

log = structlog.get_logger()


class Accepted(Document, frozen=True, kw_only=True):
    """The server process that has all that was acknowledged; when a second look is due, and from where on."""

    run_id: str
    since: Millis = 0
    number: int = 0


STATES = CollectionSpec("stock_state", Accepted)
_ID = "redis"


class Acceptance:
    """Which server process is trusted, kept with the documents and changed by compare-and-set."""

    def __init__(self, states: Collection[Accepted]) -> None:
        self._states = states

    async def current(self) -> Accepted | None:
        """What is accepted now."""
        return await self._states.get(_ID)

    async def is_accepted(self, run_id: str) -> bool:
        """Whether this process is."""
        accepted = await self.current()
        return accepted is not None and accepted.run_id == run_id

    async def begin(self, run_id: str) -> None:
        """The very first process: there is nothing that it could have lost."""
        try:
            await self._states.insert(Accepted(id=_ID, run_id=run_id))
        except Duplicate:
            return  # somebody else was faster

    async def accept(self, previous: Accepted | None, run_id: str, lost: Lost, look_again_at: Millis) -> None:
        """Trust another one. Whoever else has done so meanwhile has mended the same."""
        accepted = Accepted(
            id=_ID,
            run_id=run_id,
            due_at=look_again_at,
            since=lost.at,
            number=lost.number,
            version=previous.version if previous else 0,
        )
        try:
            await (self._states.save(accepted) if previous else self._states.insert(accepted))
        except (Conflict, Duplicate):
            log.info("another process has accepted the stock's server", run_id=run_id)

    async def looked_again(self, accepted: Accepted) -> None:
        """The second look is done."""
        try:
            await self._states.save(Accepted(id=_ID, run_id=accepted.run_id, version=accepted.version))
        except Conflict:
            return  # another loss came, or another process has done it


class Mender:
    """Makes up for what a server process has lost."""

    def __init__(
        self,
        server: Server,
        keys: Keys,
        ledger: Ledger,
        operations: Operations,
        acceptance: Acceptance,
        ended: Ended,
    ) -> None:
        self._server = server
        self._keys = keys
        self._ledger = ledger
        self._operations = operations
        self._acceptance = acceptance
        self._ended = ended

    async def mend(self, wanted: WantedReservations, now: Millis) -> bool:
        """Mend if that is needed, and look again when that is due. Returns whether anything was to be done.

        To be called regularly, by any number of processes; it may be killed at any point.
        """
        accepted = await self._acceptance.current()
        run_id = await self._server.run_id()
        if accepted is None or accepted.run_id != run_id:
            await self._mend(accepted, wanted, now)
            return True
        if accepted.due_at is None or accepted.due_at > now:
            return False
        # Stock moves again by now: what is found late must find its pieces as anybody must.
        # Whether it is forgotten is asked as of now, not of when it moved: that may be long ago.
        moves = Moves(self._server.run, self._keys, ended=lambda each, _: self._ended(each, now))
        await self._repair(moves, moves, wanted, now).carry_out(Lost(accepted.number, accepted.since))
        await self._acceptance.looked_again(accepted)
        return True

    async def _mend(self, accepted: Accepted | None, wanted: WantedReservations, now: Millis) -> None:
        process = await self._server.process()
        log.warning("the stock's server was restarted: mending", run_id=process.run_id)
        await self._ledger.drain()

        async def run(script: str, keys: Sequence[str], args: Sequence[Any]) -> list[Any]:
            try:
                return await self._server.run_as(process.scripts, script, keys, args)
            except NoScriptError as error:
                raise Unavailable("the stock's server was restarted again") from error

        mending = secrets.token_hex(8)
        newest = await self._ledger.newest()
        common = (self._keys.figures, self._keys.movements, self._keys.available)
        about = (now, mending, "", "", "", "", process.run_id)
        word, *lost = await run("mend_begin", common, (*about, newest.number if newest else 0, LEAP))
        if word != "mended":
            forced = Moves(run, self._keys, mending)
            await self._repair(forced, Moves(run, self._keys, ended=self._ended), wanted, now).carry_out(Lost(*lost))
            (word,) = await run("mend_end", common, about)
        if word == "superseded":
            raise Unavailable("the stock is being mended by another process")
        await self._acceptance.accept(accepted, process.run_id, Lost(*lost), now + SECOND_LOOK)
        await self._ledger.drain()
        log.warning("the stock is mended", run_id=process.run_id)

    def _repair(self, forced: Moves, plain: Moves, wanted: WantedReservations, now: Millis) -> Repair:
        return Repair(forced, plain, self._server, self._keys, self._ledger, self._operations, wanted, now)
