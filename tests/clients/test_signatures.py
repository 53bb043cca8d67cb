"""What the shop sends is verified by the official library for Node; what is changed on the way, or is old, is not."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from kassa.kit.clock import MINUTE, SystemClock
from kassa.outgoing.signing import signed
from kassa.outgoing.store import Secret
from tests.clients.test_clients import HERE, TOOLS
from tests.journey.running import RunningShop, free_port, until

pytestmark = pytest.mark.slow


@asynccontextmanager
async def receiving(directory: Path, port: int, secret: str) -> AsyncIterator[Callable[[], list[dict[str, Any]]]]:
    """A receiver; what it says that has come."""
    came = directory / "came.jsonl"
    environment = {**os.environ, "NODE_PATH": str(TOOLS / "node_modules"), "SECRET": secret, "PORT": str(port)}
    with came.open("wb") as out:
        node = await asyncio.create_subprocess_exec("node", str(HERE / "receive.cjs"), env=environment, stdout=out)
    try:
        yield lambda: [json.loads(line) for line in came.read_text().splitlines()]
    finally:
        node.kill()
        await node.wait()


async def test_the_library_for_node_verifies_what_is_sent_and_nothing_else(tmp_path: Path) -> None:
    port = free_port()
    async with RunningShop(tmp_path / "shop", EVENTS_TO_PRIVATE_ADDRESSES="allowed") as shop:
        admin, url = await shop.admin(), f"http://127.0.0.1:{port}/"
        made = await admin.call(
            "POST", "/events/endpoints", {"url": url, "types": ["product.created", "stock.changed"]}
        )
        secret = made.body["secret"]
        async with receiving(tmp_path, port, secret) as came:
            await admin.product(stock=50)

            async def have_come() -> bool:
                return {each["type"] for each in came()} == {"product.created", "stock.changed"}

            await until(have_come, "a product and its stock to be told")
            assert {each["error"] for each in came()} == {""}
            rolled = await admin.call("POST", f"/events/endpoints/{made.body['endpoint']['id']}/roll")
            assert rolled.body["secret"] != secret
            known = len(came())
            await admin.product(stock=50)

            async def both_have_come() -> bool:
                return len(came()) >= known + 2

            await until(both_have_come, "what is signed with both secrets")
            assert {each["error"] for each in came()} == {""}
            last = came()[-1]
            headers = {name: value for name, value in last["headers"].items() if name.startswith("webhook-")}

            async def answered(body: str, **changed: str) -> tuple[int, str]:
                sent = {**headers, **changed}
                async with shop.http.post(url, data=body.encode(), headers=sent) as answer:
                    # The shop goes on sending events meanwhile.
                    own = [each for each in came() if each["body"] == body and sent.items() <= each["headers"].items()]
                    return answer.status, own[-1]["error"]

            assert await answered(last["body"]) == (204, "")
            no_signature = (400, "No matching signature found")
            assert await answered(last["body"].replace("product", "produce", 1)) == no_signature
            assert await answered(last["body"], **{"webhook-id": "evt_another"}) == no_signature
            then = SystemClock().now() - 6 * MINUTE
            old = signed(headers["webhook-id"], last["body"].encode(), [Secret(secret)], then)
            at_that_time = {name.decode(): value.decode() for name, value in old}
            assert await answered(last["body"], **at_that_time) == (400, "Message timestamp too old")
