"""One process on the data runs the sandbox, and another takes it over."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from kassa.app import sandboxing
from kassa.app.files import DataInUse, sandbox_url
from kassa.app.sandboxing import sandbox_running
from kassa.app.settings import read_settings
from kassa.cli.sandbox_cmd import sandbox
from tests.app.process import PATIENCE, free_port


async def answers(url: str) -> bool:
    async with aiohttp.ClientSession() as session:
        try:
            async with session.get(f"{url}/v1/events", headers={"Authorization": "Bearer sk_test_x"}) as answer:
                return answer.status < 500
        except aiohttp.ClientError:
            return False


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
        async with asyncio.timeout(PATIENCE):
            while not await answers(url):
                await asyncio.sleep(0.05)
        assert sandbox_url(tmp_path) == url
    assert not await answers(url)
