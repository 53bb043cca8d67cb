"""Stopping: each who waits is more patient than what is waited for, and nobody is left without an answer."""

import asyncio
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from typing import NoReturn

import pytest
import yaml

from kassa.app import answering as module
from kassa.app.answering import answering
from kassa.app.connections import Bounds
from kassa.app.files import bound
from kassa.app.stopping import GRACE_SECONDS, KILL_SECONDS, STOP_SECONDS
from kassa.app.supervisor import Role, Supervisor, Ties
from kassa.gateway.arrival import Message, Receive, Scope, Send
from kassa.storage.documents_mongo import PATIENCE as MONGO_PATIENCE
from kassa.storage.sqlite import PATIENCE as SQLITE_PATIENCE
from tests.tidy.sources import ROOT


def test_who_kills_is_more_patient_than_what_is_stopped() -> None:
    from kassa.app.stopping import CLOSE_SECONDS

    assert max(MONGO_PATIENCE, SQLITE_PATIENCE) <= CLOSE_SECONDS * 1000
    assert STOP_SECONDS < KILL_SECONDS < GRACE_SECONDS
    compose = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]
    ours = [each for each in compose.values() if each["image"] == "kassa"]
    assert ours
    assert all(_seconds(each["stop_grace_period"]) >= GRACE_SECONDS for each in ours)
    text = (ROOT / "deploy" / "kubernetes" / "shop" / "hardened.yaml").read_text()
    grace = int(re.search(r"terminationGracePeriodSeconds: (\d+)", text)[1])  # type: ignore[index]
    pause = int(re.search(r'sleep, "(\d+)"', text)[1])  # type: ignore[index]
    assert grace - pause >= GRACE_SECONDS
    assert f"give it {GRACE_SECONDS:.0f} seconds" in (ROOT / "docs" / "operations.md").read_text()


def _seconds(text: str) -> int:
    assert text.endswith("s")
    return int(text[:-1])


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body to its end and answers; under `/half` it stops in the middle of its answer."""
    if scope["path"] == "/half":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        await asyncio.sleep(60)
    message: Message = {"more_body": True}
    while message.get("more_body"):
        message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def stopped_while(path: str, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """What a client gets that is still sending when the server is told to stop."""
    monkeypatch.setattr(module, "FINISH_SECONDS", 0.3)
    (listener,) = bound("127.0.0.1", 0)
    async with answering(app, listener, Bounds()):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nbegun".encode())
        await writer.drain()
        await asyncio.sleep(0.1)
    answer = await reader.read()
    writer.close()
    return answer


async def test_a_client_that_is_still_sending_is_told_to_come_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    head, _, body = (await stopped_while("/", monkeypatch)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    lines = head.lower().split(b"\r\n")
    assert {b"connection: close", b"retry-after: 5", b"content-type: application/problem+json"} <= set(lines)
    assert lines.count(b"connection: close") == 1
    assert json.loads(body)["code"] == "stopping"
    assert [each for each in caplog.records if each.levelno >= logging.ERROR] == []


async def test_half_an_answer_is_cut_and_not_completed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await stopped_while("/half", monkeypatch)).endswith(b"\r\n\r\nhalf")
    assert not [each for each in caplog.records if each.exc_info]


def test_a_process_that_does_not_end_is_ended_by_its_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kassa.app.supervisor.KILL_SECONDS", 1)
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        _supervise(tell)
    os.read(told, 1)
    os.kill(pid, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == signal.SIGKILL


def _supervise(tell: int) -> NoReturn:
    """Watch over a process that is deaf to SIGTERM."""

    def deaf(ties: Ties) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        ties.ready()
        time.sleep(60)

    try:
        supervisor = Supervisor()
        supervisor.start([Role("deaf", deaf)])
        os.write(tell, b"1")
        supervisor.watch()
    except SystemExit as end:
        os._exit(int(end.code or 0))
    finally:
        os._exit(99)


_BUSY = """
import asyncio, time
from kassa.app.stopping import run_and_exit

async def work():
    asyncio.get_running_loop().run_in_executor(None, time.sleep, 600)
    print("all is closed", end="")

run_and_exit(work())
"""


def test_a_thread_that_cannot_be_told_to_stop_keeps_no_process_alive() -> None:
    """One that looks up a name, for a start: it goes on for as long as the resolver is patient."""
    ended = subprocess.run([sys.executable, "-c", _BUSY], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout == "all is closed"


def test_what_fails_is_told_before_the_process_ends() -> None:
    text = _BUSY.replace("print(", "raise OSError(").replace(', end="")', ")").replace("600", "0")
    ended = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "OSError: all is closed" in ended.stderr
