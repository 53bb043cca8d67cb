"""kill -9 while an event is acted on: the next start, or `reconcile --fix`, does not wait for the dead."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.journey.running import RunningShop, until

pytestmark = pytest.mark.slow


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[RunningShop]:
    async with RunningShop(tmp_path / "data") as running:
        yield running


def waiting_event(shop: RunningShop) -> dict[str, Any] | None:
    """The event that was stored and is not acted on."""
    connection = apsw.Connection(str(shop.data / "kassa.db"))
    try:
        rows = connection.execute("SELECT body FROM stripe_events WHERE due_at IS NOT NULL").fetchall()
        return json.loads(str(rows[0][0])) if rows else None
    finally:
        connection.close()


async def killed_at_it(shop: RunningShop) -> tuple[str, str, dict[str, Any]]:
    """A paid order whose event was being acted on, as slowly as Stripe can be, when the shop was killed."""
    admin, buyer = await shop.admin(), await shop.buyer()
    order_id, session_id = await buyer.checkout(await admin.product(stock=5))
    slow = {"match": "GET /v1/checkout/sessions/*", "kind": "timeout_before", "times": 1, "seconds": 100}
    told = await shop.call("POST", f"{shop.sandbox}/sandbox/faults", slow)
    assert told.status == 200, told.body
    await buyer.pay(session_id)

    async def has_come() -> bool:
        return waiting_event(shop) is not None

    await until(has_come, "the event")
    await shop.kill()
    event = waiting_event(shop)
    assert event is not None
    return order_id, buyer.token, event


async def status(shop: RunningShop, order_id: str, token: str) -> str:
    answer = await shop.call("GET", f"/orders/{order_id}", Authorization=f"Bearer {token}")
    return str(answer.body["order"]["status"])


async def test_a_start_does_not_wait_for_the_leases_of_the_dead(shop: RunningShop) -> None:
    order_id, token, event = await killed_at_it(shop)
    await shop.start()
    begun = waiting_event(shop)
    assert begun is None or begun["due_at"] != event["due_at"], "the lease of the dead process is waited for"

    async def is_confirmed() -> bool:
        return await status(shop, order_id, token) == "CONFIRMED"

    await until(is_confirmed, "the order to be confirmed")


async def test_reconcile_names_what_was_left_and_does_it_when_asked(shop: RunningShop) -> None:
    order_id, token, event = await killed_at_it(shop)
    code, printed = await shop.command("reconcile")
    assert (code, "agree." in printed) == (1, False), printed
    assert f"differs  {event['id']}: not acted on: checkout.session.completed" in printed
    code, printed = await shop.command("reconcile", "--fix")
    assert code == 0, printed
    assert f"mended  {event['id']}: not acted on: checkout.session.completed" in printed
    assert waiting_event(shop) is None
    await shop.start()
    assert await status(shop, order_id, token) == "CONFIRMED"
