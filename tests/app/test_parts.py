"""The small parts of a process: its lock, its secrets, its worker, its logs, its figures."""

import asyncio
import json
import logging
import os
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import structlog

from kassa.app.files import DataInUse, Lock
from kassa.app.health import Watched, health_handlers
from kassa.app.logs import configure_logs
from kassa.app.metrics import Measured, Metrics
from kassa.app.secrets import kept_secret
from kassa.app.worker import TURNS, Job, Turns, Worker
from kassa.kit.clock import DAY, HOUR, SECOND, SystemClock
from kassa.kit.ids import Ids
from kassa.kit.outbox import Outbox
from kassa.kit.problem import Unavailable
from kassa.kit.wire import request_id
from tests.gateway.asgi import Echo, ask
from tests.support import FakeClock, sqlite


def test_a_second_server_on_the_same_data_is_refused(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "lock")
    with pytest.raises(DataInUse, match=f"process {os.getpid()}"):
        Lock(tmp_path / "lock")
    lock.release()
    Lock(tmp_path / "lock").release()


def test_a_secret_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    secret = kept_secret(tmp_path / "new", "jwt-secret", "p_")
    assert secret.startswith("p_")
    assert len(secret) == 66
    assert kept_secret(tmp_path / "new", "jwt-secret") == secret
    assert stat.S_IMODE((tmp_path / "new" / "jwt-secret").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["jwt-secret"]


class BadOutbox(Outbox[Any]):
    """An outbox whose turns fail, each in another way."""

    def __init__(self) -> None:
        self.turns = 0

    async def run_due(self, limit: int = 100) -> int:
        self.turns += 1
        raise [Unavailable("the store is away"), RuntimeError("a bug")][self.turns % 2]


async def test_the_worker_survives_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kassa.app.worker.IDLE_SECONDS", 0.001)
    outbox, done = BadOutbox(), asyncio.Event()
    times = 0

    async def job() -> None:
        nonlocal times
        times += 1
        if times == 3 and outbox.turns >= 3:
            done.set()
        times = min(times, 2)
        raise [Unavailable("away"), RuntimeError("a bug")][times % 2]

    worker = Worker([outbox], [Job("bad", 1, job)], Ids(SystemClock()))
    worker.start()
    await asyncio.wait_for(done.wait(), 20)
    await worker.stop()
    turns = outbox.turns
    await asyncio.sleep(0.01)
    assert outbox.turns == turns


async def test_the_worker_lets_what_runs_come_to_its_end() -> None:
    begun, may_end, ended = asyncio.Event(), asyncio.Event(), False

    async def job() -> None:
        nonlocal ended
        begun.set()
        await may_end.wait()
        ended = True

    worker = Worker([], [Job("slow", 1000, job)], Ids(SystemClock()))
    worker.start()
    await begun.wait()
    stopping = asyncio.create_task(worker.stop())
    await asyncio.sleep(0)
    may_end.set()
    await stopping
    assert ended


async def test_processes_that_share_a_store_do_each_job_once_a_turn(tmp_path: Path) -> None:
    clock = FakeClock()
    job = Job("sweep", 30 * SECOND, partial(asyncio.sleep, 0))
    async with sqlite(tmp_path) as database:
        turns = [Turns(await database.collection(TURNS), clock) for _ in range(3)]

        async def waits() -> list[int]:
            return [await each.take(job) for each in turns]

        assert await waits() == [0, 30 * SECOND, 30 * SECOND]
        clock.advance(20 * SECOND)
        assert await waits() == [10 * SECOND] * 3
        clock.advance(10 * SECOND)
        assert sorted(await asyncio.gather(*(each.take(job) for each in turns))) == [0, 30 * SECOND, 30 * SECOND]
        clock.advance(-365 * DAY)  # a clock that was wrong does not stop a job for a year
        assert await waits() == [0, 30 * SECOND, 30 * SECOND]


async def test_a_worker_leaves_a_job_to_whoever_has_its_turn(tmp_path: Path) -> None:
    done: list[str] = []
    both_have_looked = asyncio.Event()
    clock = SystemClock()

    async def job(who: str) -> None:
        done.append(who)

    class Watched(Turns):
        async def take(self, job: Job) -> int:
            wait = await super().take(job)
            if wait:
                both_have_looked.set()
            return wait

    async with sqlite(tmp_path) as database:
        collection = await database.collection(TURNS)
        workers = [
            Worker([], [Job("sweep", HOUR, partial(job, who))], Ids(clock), Watched(collection, clock)) for who in "ab"
        ]
        for worker in workers:
            worker.start()
        await asyncio.wait_for(both_have_looked.wait(), 20)
        for worker in workers:
            await worker.stop()
    assert len(done) == 1


@pytest.fixture
def as_before() -> Iterator[None]:
    """Afterwards the logs are as they were."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.usefixtures("as_before")
def test_a_log_line_is_json_and_names_its_request(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", None)
    token = request_id.set("req_1")
    structlog.get_logger().info("something", order="ord_1")
    logging.getLogger("another.package").warning("its %s", "words")
    structlog.get_logger().debug("too quiet")
    request_id.reset(token)
    first, second = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (first["event"], first["order"], first["request_id"], first["level"]) == (
        "something",
        "ord_1",
        "req_1",
        "info",
    )
    assert (second["event"], second["level"]) == ("its words", "warning")


@pytest.mark.usefixtures("as_before")
@pytest.mark.parametrize("form", ["json", "text"])
def test_a_traceback_shows_no_local_variables(capsys: pytest.CaptureFixture[str], form: str) -> None:
    configure_logs("info", form)
    password = "hidden in a variable"
    try:
        raise RuntimeError(f"{len(password)} letters")
    except RuntimeError:
        structlog.get_logger().exception("failed")
        logging.getLogger("another.package").exception("failed")
    written = capsys.readouterr().err
    assert written.count("20 letters") == 2
    assert "test_parts.py" in written
    assert password not in written.replace('password = "hidden', "")


async def test_readiness_names_what_fails() -> None:
    from litestar.testing import AsyncTestClient

    from kassa.kit.web import EXCEPTION_HANDLERS

    async def well() -> None:
        return

    async def ill() -> None:
        raise RuntimeError("secret text")

    from litestar import Litestar

    app = Litestar(
        health_handlers("order", {"database": Watched(well), "payment": Watched(ill)}),
        exception_handlers=EXCEPTION_HANDLERS,
    )
    async with AsyncTestClient(app) as client:
        answer = await client.get("/ready")
        assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
        assert answer.json()["failing"] == ["payment"]
        assert answer.json()["reasons"] == {"payment": "does not answer"}
        assert "secret" not in answer.text
        assert (await client.get("/health")).json()["service"] == "order"


async def test_however_many_ask_the_stores_are_asked_once_in_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    from litestar import Litestar
    from litestar.testing import AsyncTestClient

    asked: list[int] = []

    async def well() -> None:
        asked.append(1)
        await asyncio.sleep(0.05)

    async with AsyncTestClient(Litestar(health_handlers("order", {"database": Watched(well)}))) as client:
        answers = await asyncio.gather(*(client.get("/ready") for _ in range(20)))
        assert ({answer.status_code for answer in answers}, len(asked)) == ({200}, 1)
        monkeypatch.setattr("kassa.app.health.FRESH_SECONDS", 0.0)
        assert ((await client.get("/ready")).status_code, len(asked)) == (200, 2)


async def test_requests_are_counted_by_route() -> None:
    metrics = Metrics("order", FakeClock(), {})
    app = Measured(Echo(), metrics)
    for _ in range(3):
        await ask(app, "/whatever/it/is")
    metrics.note_refusal("POST")
    text, media_type = await metrics.text()
    assert b'kassa_requests_total{method="GET",route="none",status="200"} 3.0' in text
    assert b'kassa_requests_total{method="POST",route="none",status="503"} 1.0' in text
    assert b"whatever" not in text
    assert media_type.startswith("text/plain")
