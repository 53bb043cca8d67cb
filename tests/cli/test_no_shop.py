"""Commands where there is no shop: they say where they looked and what to do, and leave nothing behind."""

from pathlib import Path

import pytest

from kassa.app.files import DataUnusable
from kassa.app.settings import read_settings
from kassa.app.shop import NoShop
from kassa.app.stores import find_shop, open_database
from kassa.app.wiring import within_reach
from tests.app.process import kassa
from tests.servers import mongod, valkey

COMMANDS = [
    ("audit",),
    ("reconcile", "--fix"),
    ("replay", "evt_1"),
    ("export",),
    ("import", "in.csv"),
    ("admin", "create", "boss@example.com"),
    ("admin", "list"),
    ("admin", "disable", "boss@example.com"),
]


def _tree(place: Path) -> dict[str, int]:
    return {str(path.relative_to(place)): path.stat().st_size for path in place.rglob("*")}


def _refused(place: Path, *command: str) -> None:
    (place / "in.csv").write_text("name,description,category,price\nTea,,Tea,4.50\n")
    before = _tree(place)
    done = kassa(place, *command, KASSA_ADMIN_PASSWORD="correct horse battery")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    where = f"KASSA: there is no shop in {place / '.kassa'}: kassa.db is missing or empty; "
    assert done.stderr.startswith(where)
    assert "KASSA_DATA or --data" in done.stderr
    assert _tree(place) == before


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command))
def test_no_command_makes_a_shop(tmp_path: Path, command: tuple[str, ...]) -> None:
    _refused(tmp_path, *command)


@pytest.mark.parametrize("is_there", [False, True], ids=["an empty folder", "a file of 0 bytes"])
def test_what_is_empty_is_no_shop(tmp_path: Path, is_there: bool) -> None:
    (tmp_path / ".kassa").mkdir()
    if is_there:
        (tmp_path / ".kassa" / "kassa.db").touch()
    _refused(tmp_path, "audit")


def test_the_doctor_says_that_there_is_none(tmp_path: Path) -> None:
    done = kassa(tmp_path, "doctor")
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if line.startswith("✗ there is no shop in")]
    assert _tree(tmp_path) == {}


def test_nothing_is_moved_from_where_no_shop_is(tmp_path: Path) -> None:
    stores = {"MONGO_URI": "mongodb://127.0.0.1:1", "REDIS_URL": "redis://127.0.0.1:1"}
    for source in ("missing", "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        (tmp_path / "empty" / "kassa.db").touch()
        done = kassa(tmp_path, "migrate", source, **stores)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert done.stderr.startswith(f"KASSA: {source} has no shop on SQLite")
    assert _tree(tmp_path) == {"empty": (tmp_path / "empty").stat().st_size, "empty/kassa.db": 0}


@pytest.mark.slow
async def test_an_empty_mongodb_is_no_shop(tmp_path: Path) -> None:
    client = mongod.shared().client
    before = set(client.list_database_names()) - {"authdb"}
    client.drop_database("authdb")
    stores = {"MONGO_URI": mongod.shared().uri, "REDIS_URL": valkey.shared().url}
    settings = read_settings({"KASSA_DATA": str(tmp_path / "data"), **stores})
    with pytest.raises(NoShop, match=r"there is no shop in MongoDB at .*: authdb is missing or empty; is MONGO_URI"):
        await find_shop(settings, within_reach(settings))
    assert set(client.list_database_names()) == before
    assert _tree(tmp_path) == {}


@pytest.mark.slow
async def test_another_programs_mongodb_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    client = mongod.shared().client
    client.drop_database("authdb")
    client["authdb"].create_collection("users")
    stores = {"MONGO_URI": mongod.shared().uri, "REDIS_URL": valkey.shared().url}
    settings = read_settings({"KASSA_DATA": str(tmp_path / "data"), **stores})
    with pytest.raises(NoShop):  # Made for Kassa, to be sharded.
        await find_shop(settings, within_reach(settings))
    client["authdb"]["users"].insert_one({"email": "ada@shop.example"})
    for look in (find_shop(settings, within_reach(settings)), open_database(settings, "authdb")):
        with pytest.raises(DataUnusable, match="authdb in MongoDB is another program's, with users: name another"):
            await look
    assert client["authdb"].list_collection_names() == ["users"]
    client.drop_database("authdb")


async def test_nor_is_its_stock_made_where_it_is_missing(tmp_path: Path) -> None:
    settings = read_settings({"KASSA_DATA": str(tmp_path), "MONGO_URI": "mongodb://127.0.0.1:1"})
    with pytest.raises(NoShop, match=r"stock\.db is missing or empty"):
        await find_shop(settings, within_reach(settings))
