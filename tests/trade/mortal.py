"""A shop that may die at any moment and comes up again, and whose services may not hear each other."""

import asyncio
import itertools
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from kassa.kit.problem import Problem, Unavailable
from tests.trade.stores import SERVERS, SQLITE
from tests.trade.world import World, world

Action = Coroutine[Any, Any, Any]
CALLS = {
    "inventory": ("reserve", "commit", "release", "restock", "mark"),
    "order": ("for_payment", "set_status", "note_refund"),
    "payment": ("close", "refund_late"),
}
"""What one service asks of another."""
TURN_WITH_SERVERS = 0.000_4
"""So many turns as are few with a file are over before a server has answered: with servers a turn takes that long."""


class MortalShop:
    """The shop's process on its stores. `lost` says of which calls the next question or answer gets lost."""

    shop: World
    policy = "cancel"
    form = SQLITE

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.directory = tempfile.TemporaryDirectory()
        self.lost: dict[str, list[str]] = {}
        self.numbers = itertools.count(1)

    async def open(self) -> None:
        self.opened = world(Path(self.directory.name), self.policy, self.form)
        self.shop = await self.opened.__aenter__()
        self.shop.ids._entropy = lambda size: next(self.numbers).to_bytes(size, "big")
        for service, names in CALLS.items():
            for name in names:
                self._make_unreliable(getattr(self.shop, service), name)

    def _make_unreliable(self, service: Any, name: str) -> None:
        method = getattr(service, name)

        async def called(*arguments: Any) -> Any:
            waiting = self.lost.get(name)
            lost = waiting.pop(0) if waiting else ""
            if lost == "question":
                raise Unavailable("the question was lost")
            answer = await method(*arguments)
            if lost == "answer":
                raise Unavailable("the answer was lost")
            return answer

        setattr(service, name, called)

    async def _die_and_start_again(self) -> None:
        """All that is in memory is gone; the stores, Stripe and the time stay."""
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        before = self.shop
        for part in (before.inbox, before.order.outbox, before.payment.outbox, before.opening):
            part.recent._notes.clear()
        await self.opened.__aexit__(None, None, None)
        await self.open()
        self.shop.clock.at = before.clock.at
        vars(self.shop.stripe).update(vars(before.stripe), clock=self.shop.clock)

    def do(self, *actions: Action, settles: bool = True, dies_after: int | None = None) -> None:
        """Several things at once: to their end, or until the process dies so many turns of its loop later."""
        self.runner.run(self._do(actions, settles, dies_after))

    async def _do(self, actions: tuple[Action, ...], settles: bool, dies_after: int | None) -> None:
        tasks = asyncio.gather(*(refusable(action) for action in actions))
        if dies_after is None:
            await tasks
            if settles:
                await self.shop.settle()
            return
        for _ in range(dies_after):
            await asyncio.sleep(TURN_WITH_SERVERS if self.form == SERVERS else 0)
        await self._die_and_start_again()
        await asyncio.gather(tasks, return_exceptions=True)

    def bury(self) -> None:
        """Close what is open."""
        if hasattr(self, "opened"):
            self.runner.run(self.opened.__aexit__(None, None, None))
        self.runner.close()
        self.directory.cleanup()


async def refusable(action: Action) -> Any:
    """Refusals are fine; anything else is a bug, and would be a 500."""
    try:
        return await action
    except Problem as problem:
        if problem.status not in (400, 404, 409, 422, 502, 503):
            raise
        return problem
