"""Runs of chaos: buyers work, something goes wrong in their midst, it ends, and what was acknowledged must be there.

The seed decides which trouble comes, when, to whom and for how long, and what buyers have in mind. How the processes
of a real shop take turns is nobody's choice, so the same seed is the same trouble, and not the same run to the letter.
"""

import asyncio
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import aiohttp

from tests.chaos import checks, checks_told
from tests.chaos.buyers import Administrator, Crowd, Customer
from tests.chaos.promises import Promises
from tests.chaos.troubles import Trouble
from tests.chaos.world import World, opened
from tests.journey.running import Buyer

CUSTOMERS = 6
STOCKS = (100_000, 100_000, 20)
"""Pieces of each product: of the last there is never enough."""
OVERLAP = 0.15
"""How often a second trouble comes while the first one lasts."""
NEW_ADMINISTRATOR_SECONDS = 600.0  # A token is good for 15 minutes.
SHOWN_EVERY_SECONDS = 10.0
LEASES, NO_LEASES = 120.0, 5.0
"""How long what was interrupted may take to come right: with leases of 30 s to wait for, or none."""
END_PATIENCE = 240.0


@dataclass(frozen=True)
class Plan:
    """What is to be run."""

    form: str
    runs: int
    seed: int
    troubles: tuple[Trouble, ...]


@dataclass
class Outcome:
    """What came of it. `violations` is empty if nothing was lost; else the shop's data are kept in `directory`, and
    `during` says when it was."""

    directory: Path
    runs: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    orders: int = 0
    paid: int = 0
    seconds: float = 0.0
    during: str = "the beginning"
    violations: list[str] = field(default_factory=list)


async def run(plan: Plan, tell: Callable[[str], None]) -> Outcome:
    """All runs of a plan on one shop, up to the first violation; `tell` hears now and then how far they are."""
    outcome = Outcome(Path(tempfile.mkdtemp(prefix="kassa-chaos-")))
    with_network = any(trouble.needs == "a network" for trouble in plan.troubles)
    started_at = time.monotonic()
    async with opened(plan.form, outcome.directory, with_network=with_network) as world:
        runner = Runner(plan, world, outcome, tell)
        try:
            await runner.all()
        except (AssertionError, RuntimeError, OSError, aiohttp.ClientError) as error:
            outcome.violations.append(f"{type(error).__name__}: {error}")
        outcome.violations[:0] = runner.promises.broken
    outcome.seconds = time.monotonic() - started_at
    if not outcome.violations:
        shutil.rmtree(outcome.directory)
    return outcome


class Runner:
    """Carries out a plan in a world."""

    def __init__(self, plan: Plan, world: World, outcome: Outcome, tell: Callable[[str], None]) -> None:
        self.promises = Promises()
        self._plan = plan
        self._world = world
        self._outcome = outcome
        self._tell = tell
        self._shown_at = time.monotonic()
        self._products: list[str] = []
        self._endpoint = ""
        self._admin: Buyer
        self._admin_until = 0.0

    async def all(self) -> None:
        """Every run, and the end; it stops where something is wrong."""
        admin = await self._administrator()
        self._endpoint = await self._world.listen(admin)
        for pieces in STOCKS:
            product = await admin.product(stock=pieces)
            self._products.append(product)
            self.promises.put_in[product] = pieces
        for number in range(self._plan.runs):
            await self._one(number)
            self._count(number + 1)
            if self._is_broken():
                return
        self._outcome.during = "the end"
        await self._end()
        self._count(self._plan.runs)

    async def _one(self, number: int) -> None:
        chance = Random(f"{self._plan.seed}:{number}")
        first, *others = self._troubles(number, chance)
        self._outcome.during = f"run {number + 1}: {' and '.join(each.name for each in (first, *others))}"
        self._world.is_troubled_twice = others != []
        promises, shop = self.promises, self._world.shop
        buyers = [await shop.buyer() for _ in range(CUSTOMERS)]
        customers = [Customer(promises, who, self._products, Random(chance.random())) for who in buyers]
        operator = Administrator(promises, await self._administrator(), self._products, Random(chance.random()))
        async with Crowd([*customers, operator]):
            await asyncio.sleep(chance.uniform(0.05, 0.4))
            await asyncio.gather(self._strike(first, 0, chance), *(self._strike(each, 1, chance) for each in others))
            await self._world.until_ready()
            await asyncio.sleep(chance.uniform(0.05, 0.25))
        await checks.unanswered(promises)
        await checks.ask_again(promises)
        for buyer in buyers:
            await checks.orders(promises, buyer)
        self._outcome.violations += checks.unheard_of(shop)
        await self._patiently(lambda: checks.command(shop, "audit"), NO_LEASES if self._world.is_alone else LEASES)

    def _troubles(self, number: int, chance: Random) -> list[Trouble]:
        """Each of the plan's before one comes again; sometimes another one with it."""
        turn, place = divmod(number, len(self._plan.troubles))
        shuffled = list(self._plan.troubles)
        Random(f"{self._plan.seed}: turn {turn}").shuffle(shuffled)
        first = shuffled.pop(place)
        return [first, chance.choice(shuffled)] if shuffled and chance.random() < OVERLAP else [first]

    async def _strike(self, trouble: Trouble, within: float, chance: Random) -> None:
        own = Random(chance.random())
        await asyncio.sleep(own.uniform(0, within))
        self._outcome.struck[trouble.name] += 1
        await trouble.strike(self._world, own)

    async def _end(self) -> None:
        """Everything comes to its end; then all orders, all money and all stock are looked at."""
        promises, shop, admin = self.promises, self._world.shop, await self._administrator()
        await self._patiently(lambda: checks.unanswered(promises), END_PATIENCE)
        await self._patiently(lambda: checks.cancel_pending(promises, admin), END_PATIENCE)
        await shop.command("reconcile", "--fix")

        async def look() -> list[str]:
            found = await checks.orders(promises, admin, of_all=True) + await checks.money(promises, shop)
            found += await checks.stock(promises, admin) + await checks.nothing_waits(admin)
            found += await checks_told.events(promises, admin, self._world, self._endpoint)
            found += checks_told.mails(promises, shop)
            return found or await checks.command(shop, "reconcile") + await checks.command(shop, "audit")

        await self._patiently(look, END_PATIENCE)

    async def _patiently(self, look: Callable[[], Awaitable[list[str]]], patience: float) -> None:
        """Look until nothing is wrong; what still is after so many seconds is a violation."""
        deadline = time.monotonic() + patience
        while not self._is_broken() and (wrong := await look()):
            if time.monotonic() > deadline:
                self._outcome.violations += wrong
            else:
                await asyncio.sleep(0.5)

    async def _administrator(self) -> Buyer:
        if time.monotonic() > self._admin_until:
            self._admin = await self._world.shop.admin()
            self._admin_until = time.monotonic() + NEW_ADMINISTRATOR_SECONDS
        return self._admin

    def _is_broken(self) -> bool:
        return bool(self._outcome.violations or self.promises.broken)

    def _count(self, runs: int) -> None:
        outcome = self._outcome
        is_more = runs > outcome.runs
        outcome.runs, outcome.orders, outcome.paid = runs, len(self.promises.orders), len(self.promises.paid)
        if is_more and time.monotonic() - self._shown_at > SHOWN_EVERY_SECONDS:
            self._shown_at = time.monotonic()
            self._tell(f"{runs} of {self._plan.runs} runs: {counted(outcome, self._plan)}")


def counted(outcome: Outcome, plan: Plan) -> str:
    """How often each trouble has come, and the orders."""
    troubles = [f"{outcome.struck[each.name]} {each.plural}" for each in plan.troubles if outcome.struck[each.name]]
    return ", ".join([*troubles, f"{outcome.orders} orders acknowledged", f"{outcome.paid} paid"])
