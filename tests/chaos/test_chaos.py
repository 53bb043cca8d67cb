"""Chaos in short: every form with every trouble that it can have. And the runner bites."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
import pytest_asyncio

from tests.chaos import checks, troubles
from tests.chaos.__main__ import main, summary
from tests.chaos.buyers import ask
from tests.chaos.promises import Promises, Question
from tests.chaos.runner import Outcome, Plan, run
from tests.chaos.troubles import TROUBLES, Trouble
from tests.chaos.world import World, opened
from tests.journey.conftest import FORMS
from tests.journey.running import Answer, Buyer, RunningShop, until

pytestmark = pytest.mark.slow


def plan_of(form: str) -> Plan:
    """As many runs as the form has troubles: each comes once, and some a second time beside another one."""
    possible = [each for each in troubles.of(form) if not troubles.why_not(each)]
    return Plan(form, len(possible), 1, tuple(possible))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def outcomes() -> AsyncIterator[dict[str, asyncio.Task[Outcome]]]:
    """All forms at the same time: what takes long is to wait for leases."""
    running = {form: asyncio.create_task(run(plan_of(form), print)) for form in FORMS}
    yield running
    for each in running.values():
        each.cancel()
    await asyncio.gather(*running.values(), return_exceptions=True)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("form", FORMS)
async def test_nothing_is_lost_in_any_trouble(form: str, outcomes: dict[str, asyncio.Task[Outcome]]) -> None:
    outcome = await outcomes[form]
    assert outcome.violations == [], summary(plan_of(form), outcome)
    assert set(outcome.struck) == {each.name for each in plan_of(form).troubles}
    assert outcome.paid > 0
    assert not outcome.directory.exists()


SABOTAGE = {
    "an order is deleted": ("DELETE FROM orders WHERE seq = 1", "was acknowledged and is not there"),
    "an entry is forged": (
        "UPDATE orders SET body = json_set(body, '$.audit[0].to_state', 'REFUNDED') WHERE seq = 1",
        "I8",
    ),
}


@pytest.mark.parametrize("name", SABOTAGE)
def test_what_is_lost_behind_the_shop_s_back_is_told(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sql, words = SABOTAGE[name]

    async def strike(world: World, _: Random) -> None:
        with closing(sqlite3.connect(world.shop.data / "kassa.db")) as file:

            async def are_enough() -> bool:
                return bool(file.execute("SELECT count(*) FROM orders").fetchone()[0] >= 20)

            await until(are_enough, "orders, the first of which was acknowledged long ago")
            await world.shop.kill()
            file.execute(sql)
            file.commit()
        await world.shop.start()

    monkeypatch.setitem(TROUBLES, name, Trouble(name, name, "a shop", strike))
    assert main(["--runs", "2", "--seed", "5", "--trouble", name]) == 1
    printed = capsys.readouterr().out
    assert words in printed
    assert f"Seed 5, run 1: {name}:" in printed
    kept = Path(printed.split()[-1])
    assert (kept / "data" / "kassa.db").exists()
    assert (kept / "data.log").exists()
    shutil.rmtree(kept)


async def test_the_last_look_finds_what_no_audit_can_know(tmp_path: Path) -> None:
    promises = Promises()
    async with opened("sqlite", tmp_path, with_network=False) as world:
        admin, buyer = await world.shop.admin(), await world.shop.buyer()
        mug = await admin.product(stock=5)
        promises.put_in[mug] = 5
        question = Question("order", buyer, "/orders", {"items": [{"productId": mug, "quantity": 2}]}, "key")
        assert await ask(promises, question) is not None
        assert await checks.stock(promises, admin) + await checks.money(promises, world.shop) == []
        (promise,) = promises.orders.values()
        promise.is_paid, promise.status, promise.refunds = True, "CONFIRMED", {"ref_1": 100}
        promises.put_in[mug] = 6
        found = "\n".join(await checks.stock(promises, admin) + await checks.money(promises, world.shop))
        for words in ("6 put in, 2 kept by orders, 3 available", "Stripe does not know", "was made 0 times"):
            assert words in found
        await checks.orders(promises, admin, of_all=True)
        await buyer.order(mug)
        await checks.orders(promises, buyer)
        told = "\n".join(promises.broken)
        assert "was CONFIRMED, and is PENDING now" in told
        assert "no key has made it" in told


def an_order(id: str, status: str = "PENDING") -> dict[str, Any]:
    item = {"productId": "prd_1", "quantity": 1}
    return {"order": {"id": id, "items": [item], "totalAmountMinor": 1999, "status": status}}


@pytest.fixture
def question(tmp_path: Path) -> Question:
    return Question("order", Buyer(RunningShop(tmp_path), ""), "/orders", {}, "key")


def test_a_key_has_one_answer(question: Question) -> None:
    promises = Promises()
    promises.settle(question, Answer(201, {}, an_order("ord_1")))
    promises.settle(question, Answer(201, {}, an_order("ord_1")))
    assert promises.broken == []
    promises.settle(question, Answer(201, {}, an_order("ord_2")))
    assert "key key was answered (201, 'ord_1'), and then (201, 'ord_2')" in promises.broken


def test_an_order_never_goes_back(question: Question) -> None:
    promises = Promises()
    promises.settle(question, Answer(201, {}, an_order("ord_1")))
    promises.seen(an_order("ord_1", "CANCELLED")["order"])
    assert promises.broken == []
    promises.pay("ord_1")
    promises.seen(an_order("ord_1", "CONFIRMED")["order"])
    assert [line.partition("ord_1 ")[2] for line in promises.broken] == [
        "was CANCELLED, and could still be paid",
        "was CANCELLED, and is CONFIRMED now",
    ]


def test_only_what_makes_sense_may_be_answered() -> None:
    promises = Promises()
    assert promises.judge("order", "POST /orders", Answer(409, {}, {"code": "insufficient_stock"}))
    assert not promises.judge("order", "POST /orders", Answer(409, {}, {"code": "idempotency_key_in_use"}))
    assert not promises.judge("order", "POST /orders", Answer(503, {}, {"code": "unavailable"}))
    assert promises.broken == []
    for answer in (Answer(500, {}, "Oh"), Answer(404, {}, {"code": "not_found"}), Answer(200, {}, {})):
        before = len(promises.broken)
        assert not promises.judge("order", "POST /orders", answer)
        assert len(promises.broken) == before + 1


def test_what_cannot_be_is_left_out_and_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert main(["--form", "mongodb and valkey", "--trouble", "packets lost"]) == 2
    assert main(["--form", "sqlite", "--trouble", "kill valkey"]) == 2
    first, second = capsys.readouterr().out.splitlines()
    assert first == "left out: packets lost; network namespaces need root, Linux and the command ip"
    assert second == "left out: kill valkey; the form sqlite has nothing that it could happen to"
