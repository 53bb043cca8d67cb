"""What was answered survives `kill -9`, and what was not delivered is delivered after the restart."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import stripe
from aiohttp import ClientError, ClientSession

from kassa.sandbox import Sandbox, SandboxConfig, WebhookTarget
from tests.sandbox.test_paying import SUCCESS
from tests.sandbox.world import SECRET, Receiver, World, session_params, until


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Child:
    """`kassa sandbox` as a process of its own."""

    def __init__(self, folder: Path, port: int, webhook: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._arguments = ["--port", str(port), "--data", str(folder), "--webhook", webhook, "--secret", SECRET]
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, http: ClientSession) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "kassa.cli.main", "sandbox", *self._arguments, stdout=asyncio.subprocess.DEVNULL
        )

        async def answers() -> bool:
            try:
                async with http.get(f"{self.url}/health") as response:
                    return response.status == 200
            except ClientError:
                return False

        await until(answers, 30)

    async def end(self, how: signal.Signals) -> int:
        assert self._process is not None
        os.kill(self._process.pid, how)
        return await self._process.wait()


async def test_what_was_answered_survives_kill_9(tmp_path: Path, receiver: Receiver) -> None:
    receiver.status = 503
    child = Child(tmp_path, free_port(), receiver.url)
    async with ClientSession() as http:
        await child.start(http)
        transport = stripe.AIOHTTPClient(session=http)
        client = stripe.StripeClient("sk_test_x", base_addresses={"api": child.url}, http_client=transport)
        answered: list[str] = []

        async def create() -> None:
            while True:
                session = await client.v1.checkout.sessions.create_async(session_params())  # type: ignore[arg-type]
                answered.append(session.id)

        writers = [asyncio.create_task(create()) for _ in range(4)]
        await until(lambda: len(answered) > 20)
        async with http.post(
            f"{child.url}/sandbox/sessions/{answered[0]}/pay", json={"card": "4242424242424242"}
        ) as paid:
            assert (await paid.json())["outcome"] == "succeeded"
        await child.end(signal.SIGKILL)
        await asyncio.gather(*writers, return_exceptions=True)
        receiver.status = 200
        await child.start(http)
        for session_id in answered:
            assert (await client.v1.checkout.sessions.retrieve_async(session_id)).id == session_id
        assert (await client.v1.checkout.sessions.retrieve_async(answered[0])).payment_status == "paid"
        await until(lambda: set(receiver.types()) == set(SUCCESS))
        assert await child.end(signal.SIGTERM) in (0, -signal.SIGTERM)


async def test_a_restart_goes_on_with_deliveries_clock_keys_and_expiry(tmp_path: Path, receiver: Receiver) -> None:
    config = SandboxConfig(tmp_path / "s.db", webhooks=(WebhookTarget("http://127.0.0.1:1/webhook", (SECRET,)),))
    first = Sandbox(config)
    await first.start(port=0)
    async with ClientSession() as http:
        world = World(first, receiver, http)
        session = await world.open_session(options={"idempotency_key": "k"})
        other = await world.open_session()
        await world.pay(other.id)
        await world.advance(3600)
        await first.stop()
        # The endpoint's address has changed meanwhile: what waits follows it.
        moved = SandboxConfig(tmp_path / "s.db", webhooks=(WebhookTarget(receiver.url, (SECRET,)),))
        second = Sandbox(moved)
        await second.start(port=0)
        world = World(second, receiver, http)
        assert (await world.open_session(options={"idempotency_key": "k"})).id == session.id
        assert (await world.control("GET", "state"))["clock_offset"] == 3600
        await world.advance(24 * 3600)
        await until(lambda: set(receiver.types()) == {*SUCCESS, "checkout.session.expired"})
        assert (await world.session(session.id)).status == "expired"
        await second.stop()


async def test_a_taken_port_is_an_error_and_stopping_twice_is_not(tmp_path: Path) -> None:
    one = Sandbox(SandboxConfig(tmp_path / "one.db"))
    await one.start(port=0)
    port = int(one.url.rpartition(":")[2])
    two = Sandbox(SandboxConfig(tmp_path / "two.db"))
    try:
        await two.start(port=port)
    except OSError:
        refused = True
    assert refused
    await one.stop()
    await one.stop()
    await one.start(port=port)
    assert one.url.endswith(str(port))
    await one.stop()


async def test_it_stops_at_once_in_the_middle_of_work(tmp_path: Path, receiver: Receiver) -> None:
    for turn in range(5):
        sandbox = Sandbox(SandboxConfig(tmp_path / f"{turn}.db", webhooks=(WebhookTarget(receiver.url, (SECRET,)),)))
        await sandbox.start(port=0)
        async with ClientSession() as http:
            world = World(sandbox, receiver, http)
            await asyncio.gather(*(world.charge() for _ in range(5)))
        async with asyncio.timeout(10):
            await sandbox.stop()
