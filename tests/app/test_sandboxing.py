"""One process on the data runs the sandbox, and another takes it over. Its door has the limits of the gateway's."""

import asyncio
import os
import signal
import socket
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from kassa.app import connections, sandboxing
from kassa.app.files import DataInUse, sandbox_url
from kassa.app.sandboxing import sandbox_running
from kassa.app.settings import read_settings
from kassa.cli.sandbox_cmd import _run as run_alone
from kassa.cli.sandbox_cmd import sandbox
from kassa.sandbox import SandboxConfig
from tests.app.process import PATIENCE, free_port, kassa

MOST_HERE = 3


async def answers(url: str) -> bool:
    async with aiohttp.ClientSession() as session:
        try:
            async with session.get(f"{url}/v1/events", headers={"Authorization": "Bearer sk_test_x"}) as answer:
                return answer.status < 500
        except aiohttp.ClientError:
            return False


async def answering_at(url: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await answers(url):
            await asyncio.sleep(0.05)


async def test_a_second_process_leaves_the_sandbox_alone_and_takes_it_over_when_the_first_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A shop of somebody else on this machine may want the usual port in the moment in which nobody has it.
    monkeypatch.setattr(sandboxing, "SANDBOX_PORT", free_port())
    settings = read_settings({"KASSA_DATA": str(tmp_path)})
    async with AsyncExitStack() as second:
        async with sandbox_running(settings, "127.0.0.1", "http://127.0.0.1:1/webhook"):
            url = sandbox_url(tmp_path)
            assert url is not None
            assert await answers(url)
            async with sandbox_running(settings, "127.0.0.1", "http://127.0.0.1:1/webhook"):
                assert sandbox_url(tmp_path) == url
            assert await answers(url)
            with pytest.raises(DataInUse):
                sandbox(sandboxing.SANDBOX_PORT, tmp_path, [], [], None, 0)
            await second.enter_async_context(sandbox_running(settings, "127.0.0.1", "http://127.0.0.1:1/webhook"))
        await answering_at(url)
        assert sandbox_url(tmp_path) == url
    assert not await answers(url)


HEAD = b"GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n"


async def said_to(port: int, sent: bytes) -> bytes:
    """What is answered until the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    try:
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()


async def are_bounded(port: int) -> None:
    assert (await said_to(port, HEAD + b"X: " + b"a" * 60_000)).startswith(b"HTTP/1.1 431 ")
    assert (await said_to(port, HEAD + b"X: a\r\n" * 101 + b"\r\n")).startswith(b"HTTP/1.1 431 ")
    assert (await said_to(port, HEAD)).startswith(b"HTTP/1.1 408 ")
    assert await said_to(port, b"") == b""
    async with AsyncExitStack() as open_ones:
        for _ in range(MOST_HERE):
            _, busy = await asyncio.open_connection("127.0.0.1", port)
            open_ones.callback(busy.close)
            busy.write(HEAD)
        assert (await said_to(port, HEAD + b"\r\n")).startswith(b"HTTP/1.1 503 ")


@pytest.fixture
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SWEEP_SECONDS", 0.05)
    monkeypatch.setattr(sandboxing, "SANDBOX_PORT", free_port())
    monkeypatch.setattr(sandboxing, "MOST_CONNECTIONS", MOST_HERE)
    monkeypatch.setattr(connections, "Bounds", partial(connections.Bounds, head_seconds=1.0))


@pytest.mark.usefixtures("_hurried")
async def test_the_sandbox_of_a_shop_takes_no_more_of_a_connection_than_the_gateway(tmp_path: Path) -> None:
    settings = read_settings({"KASSA_DATA": str(tmp_path)})
    async with sandbox_running(settings, "127.0.0.1", None):
        url = sandbox_url(tmp_path)
        assert url is not None
        await are_bounded(int(url.rpartition(":")[2]))
        await answering_at(url)  # Once the connections that were closed are gone.


@pytest.mark.usefixtures("_hurried")
async def test_nor_does_the_sandbox_that_runs_alone(tmp_path: Path) -> None:
    port = free_port()
    running = asyncio.create_task(run_alone(SandboxConfig(tmp_path / "sandbox.db"), port))
    await answering_at(f"http://127.0.0.1:{port}")
    await are_bounded(port)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(running, 20)
    assert not await answers(f"http://127.0.0.1:{port}")


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = kassa(tmp_path, "sandbox", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "choose another one with --port" in done.stderr.splitlines()[-1]
