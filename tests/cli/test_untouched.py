"""Commands and the data directory: what only reads leaves it as it was, and what cannot be used is told in one line."""

import ctypes
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from kassa.cli.main import app
from tests.app.process import PATIENCE, environment, free_port, kassa, started
from tests.support import OWN_SECRETS

READS: list[tuple[str, ...]] = [("audit",), ("export",), ("reconcile",), ("doctor",), ("acts",), ("config", "export")]
CHANGES = [("reconcile", "--fix"), ("replay", "evt_1"), ("import", "in.csv"), ("admin", "create", "b@shop.example")]
CHANGES += [("customer", "erase", "b@shop.example", "--yes"), ("key", "create", "till", "--scope", "orders:read")]
SERVERS = [("up", "--port", "1"), ("sandbox", "--port", "1")]
APART = {"bench", "keys", "demo", "migrate", "serve", "simulate"}
"""They have no --data: a shop of their own, a source, KASSA_DATA, none at all."""


def test_all_commands_are_looked_at() -> None:
    named = {
        command.name or command.callback.__name__.strip("_") for command in app.registered_commands if command.callback
    }
    named |= {str(group.name) for group in app.registered_groups}
    assert named == {command[0] for command in (*READS, *CHANGES, *SERVERS)} | APART


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a shop that has traded, and was killed."""
    place = tmp_path_factory.mktemp("shop")
    (place / "in.csv").write_text("name,description,category,price,stock\nTea,,Tea,4.50,7\n")
    with started(place, "up") as running:
        running.wait_until_ready()
        done = kassa(place, "import", "in.csv")
        assert done.returncode == 0, done.stderr
        done = subprocess.run(
            [sys.executable, "-m", "kassa.cli.main", "demo", "--base", running.url],
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        _wait_until_all_is_noted(place)
    assert (place / ".kassa" / "kassa.db-wal").stat().st_size > 0
    return place / ".kassa"


def _wait_until_all_is_noted(place: Path) -> None:
    """What is done is noted a moment later: until then the command tells that it is to be done."""
    until = time.monotonic() + PATIENCE
    while (told := kassa(place, "reconcile")).returncode:
        assert time.monotonic() < until, told.stdout + told.stderr


def _killed(shop: Path, to: Path) -> None:
    shutil.copytree(shop, to)
    (to / "kassa.db-shm").unlink(missing_ok=True)


def _backup(shop: Path, to: Path) -> None:
    to.mkdir()

    def backed_up(source: sqlite3.Connection, target: Path) -> None:
        with closing(sqlite3.connect(target)) as there:
            source.backup(there)

    _each(shop, to, backed_up)


def _vacuumed(shop: Path, to: Path) -> None:
    to.mkdir()
    _each(shop, to, lambda source, target: source.execute("VACUUM INTO ?", (str(target),)))


def _each(shop: Path, to: Path, copy: Callable[[sqlite3.Connection, Path], object]) -> None:
    with tempfile.TemporaryDirectory() as folder:  # SQLite changes what it opens.
        _killed(shop, Path(folder, "shop"))
        for name in ("kassa.db", "sandbox.db"):
            with closing(sqlite3.connect(Path(folder, "shop", name))) as source:
                copy(source, to / name)


def _of_an_older_release(shop: Path, to: Path) -> None:
    _backup(shop, to)
    # A connection that is left open writes into the file whenever it is collected.
    with closing(sqlite3.connect(to / "kassa.db")) as database, database:
        for table in ("refused_webhooks", "shop"):
            database.execute(f"DROP TABLE {table}")


def _contents(place: Path) -> dict[str, bytes]:
    return {str(path.relative_to(place)): path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("made", [_killed, _backup, _vacuumed, _of_an_older_release])
@pytest.mark.parametrize("command", READS, ids=" ".join)
def test_what_only_reads_leaves_the_data_as_it_was(
    tmp_path: Path, shop: Path, made: Callable[[Path, Path], None], command: tuple[str, ...]
) -> None:
    made(shop, tmp_path / "data")
    before = _contents(tmp_path)
    done = kassa(tmp_path, *command, "--data", "data")
    assert done.returncode == 0, done.stdout + done.stderr
    assert _contents(tmp_path) == before


DATABASES = ("kassa.db", "sandbox.db", "order.db")


def _a_file(at: Path) -> None:
    at.write_text("no folder")


def _below_a_file(at: Path) -> None:
    at.parent.rmdir()
    at.parent.write_text("no folder")


def _leads_nowhere(at: Path) -> None:
    at.symlink_to(at.with_name("gone"))


def _not_to_be_entered(at: Path) -> None:
    _no_database(at)
    at.chmod(0)


def _not_to_be_listed(at: Path) -> None:
    _no_database(at)
    at.chmod(0o100)


def _not_to_be_read(at: Path) -> None:
    at.mkdir()
    for name in (*DATABASES, "lock", "sandbox.lock", "order.lock", "moved"):
        (at / name).write_bytes(b"x")
        (at / name).chmod(0)


def _no_database(at: Path) -> None:
    at.mkdir()
    for name in DATABASES:
        (at / name).write_bytes(b"no database" * 100)


def _another_programs(at: Path) -> None:
    at.mkdir()
    for name in DATABASES:
        with closing(sqlite3.connect(at / name)) as database, database:
            # As other shops call theirs, and in another program's form.
            database.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT)")
            database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, body TEXT)")
            database.executemany("INSERT INTO orders (body) VALUES (?)", [("x" * 3000,)] * 20)


def _cut_off(at: Path) -> None:
    _another_programs(at)
    for name in DATABASES:
        os.truncate(at / name, (at / name).stat().st_size - 100)


def _cut_off_in_its_header(at: Path) -> None:
    _another_programs(at)
    for name in DATABASES:
        os.truncate(at / name, 50)


def _damaged(at: Path) -> None:
    _another_programs(at)
    for name in DATABASES:
        with (at / name).open("r+b") as file:
            file.seek(100)
            file.write(b"\x00" * 300)


def _a_folder_for_a_database(at: Path) -> None:
    for name in DATABASES:
        (at / name).mkdir(parents=True)


ODD = [
    _a_file,
    _below_a_file,
    _leads_nowhere,
    _not_to_be_entered,
    _not_to_be_listed,
    _not_to_be_read,
    _no_database,
    _another_programs,
    _cut_off,
    _cut_off_in_its_header,
    _damaged,
    _a_folder_for_a_database,
]
SAID: dict[Callable[[Path], None], str] = {
    _no_database: "is no database of SQLite",
    _another_programs: "is another program's database, with orders, users",
    _cut_off: "is damaged: of ",
    _cut_off_in_its_header: "is damaged: of 100 bytes it has 50",
    _damaged: "is damaged",
}
"""What a file is, where that can be told."""


def _without_privileges() -> None:
    """Even root may read only what its bits allow (capabilities(7): CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH)."""
    if os.geteuid() == 0:
        for capability in (1, 2):
            assert ctypes.CDLL(None).prctl(24, capability, 0, 0, 0) == 0  # PR_CAPBSET_DROP


EACH_IN_ONE_PROCESS = """
import contextlib, io, json, sys
from kassa.cli.main import main
for command in json.loads(sys.argv[1]):
    told, wrong = io.StringIO(), io.StringIO()
    sys.argv = ["kassa", *command]
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(wrong):
        try:
            status = main() or 0
        except SystemExit as end:
            status = end.code
        except BaseException as error:
            status = repr(error)
    print(json.dumps([status, told.getvalue(), wrong.getvalue()]))
"""


@pytest.mark.parametrize("odd", ODD)
def test_data_that_cannot_be_used_is_told_in_one_line(tmp_path: Path, odd: Callable[[Path], None]) -> None:
    """By every command, which leaves nothing behind."""
    (tmp_path / "in.csv").write_text("name,description,category,price,stock\nTea,,Tea,4.50,7\n")
    data = tmp_path / "place" / "folder" / "data"
    data.parent.mkdir(parents=True)
    odd(data)
    before = _seen(tmp_path / "place")
    nowhere = "http://127.0.0.1:1"
    stores = {"MONGO_URI": "mongodb://127.0.0.1:1", "REDIS_URL": "redis://127.0.0.1:1"}
    apart = {f"{name}_SERVICE_URL": nowhere for name in ("AUTH", "PRODUCT", "INVENTORY", "PAYMENT")}
    apart |= OWN_SECRETS
    said = SAID.get(odd, "")
    _are_refused(tmp_path, data, [(*command, "--data", str(data)) for command in (*READS, *CHANGES)], said)
    _are_refused(tmp_path, data, [("migrate", str(data))], **stores)
    _are_refused(tmp_path, data, [(*command, "--data", str(data)) for command in SERVERS], said)
    _are_refused(tmp_path, data, [("serve", "order", "--port", "1")], said, **apart)
    assert _seen(tmp_path / "place") == before


def test_a_shop_is_not_begun_beside_another_programs_sandbox(tmp_path: Path) -> None:
    _another_programs(tmp_path / "data")
    for name in DATABASES[::2]:
        (tmp_path / "data" / name).unlink()
    before = _seen(tmp_path)
    _are_refused(tmp_path, Path("data"), [("up", "--port", str(free_port()), "--data", "data")], "another program's")
    assert _seen(tmp_path) == before


def _seen(place: Path) -> dict[str, bytes]:
    """What is there, with the contents of what can be read."""
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in place.rglob("*")}


def test_the_data_of_a_newer_kassa_is_left_as_it_is(tmp_path: Path, shop: Path) -> None:
    _backup(shop, tmp_path / "data")
    with closing(sqlite3.connect(tmp_path / "data" / "kassa.db")) as database, database:
        database.execute("UPDATE shop SET body = json_set(body, '$.format', 2)")
    (tmp_path / "in.csv").write_text("name,description,category,price,stock\nTea,,Tea,4.50,7\n")
    with closing(sqlite3.connect(tmp_path / "data" / "kassa.db")) as database:
        before = list(database.iterdump())
    commands = [(*command, "--data", "data") for command in (*READS, *CHANGES, SERVERS[0])]
    _are_refused(tmp_path, Path("data"), commands, "a newer Kassa's")
    with closing(sqlite3.connect(tmp_path / "data" / "kassa.db")) as database:
        assert list(database.iterdump()) == before


def _are_refused(place: Path, data: Path, commands: Sequence[Sequence[str]], said: str = "", **settings: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", EACH_IN_ONE_PROCESS, json.dumps(commands)],
        cwd=place,
        env=environment(KASSA_ADMIN_PASSWORD="correct horse battery", KASSA_DATA=str(data), **settings),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        preexec_fn=_without_privileges,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(commands), done.stderr
    for command, (status, told, wrong) in zip(commands, answers, strict=True):
        shown = told if command[0] == "doctor" else wrong
        lines = [line for line in shown.splitlines() if line.startswith(("KASSA: ", "✗ "))]
        assert (status, len(lines)) == (1, 1), (command, status, told, wrong)
        assert said in lines[0], command
        assert str(data) in lines[0] or "put sandbox.db out of the data directory" in lines[0], command
        assert command[0] == "doctor" or (told, wrong) == ("", f"{lines[0]}\n"), command
