"""What a move takes along, and what it refuses."""

import importlib
import pkgutil
from pathlib import Path

import pytest

import kassa
from kassa.app.files import MOVED, note_move
from kassa.app.migration import COLLECTIONS, CannotMove, move
from kassa.app.settings import SettingError, read_settings
from kassa.app.shop import Place
from kassa.app.wiring import all_here, open_shop
from kassa.kit.documents import CollectionSpec
from tests.servers import mongod, valkey

LEFT = {"arrivals", "open_orders", "turns", "stock_movements", "stock_operations", "stock_state"}
"""Of the new stores' own, or filled by replaying the stock. What is open at the move ends within its time."""


def test_every_collection_is_moved() -> None:
    found = {
        value.name
        for module in pkgutil.walk_packages(kassa.__path__, "kassa.")
        if "sandbox" not in module.name and not module.name.endswith("__main__")
        for value in vars(importlib.import_module(module.name)).values()
        if isinstance(value, CollectionSpec)
    }
    assert found - LEFT == {spec.name for specs in COLLECTIONS.values() for spec in specs}


async def test_a_shop_that_was_moved_is_not_run_on_its_files(tmp_path: Path) -> None:
    (tmp_path / MOVED).write_text("shop_1\n")
    settings = read_settings({"KASSA_DATA": str(tmp_path)})
    with pytest.raises(SettingError, match=r"MONGO_URI must be set: the shop in .* was moved"):
        async with open_shop(settings, Place(all_here(settings), serves=False, brings_sandbox=False)):
            pass
    assert not list(tmp_path.glob("*.db"))


@pytest.mark.slow
async def test_nor_is_its_stock(tmp_path: Path) -> None:
    (tmp_path / MOVED).write_text("shop_1\n")
    settings = read_settings({"KASSA_DATA": str(tmp_path), "MONGO_URI": mongod.shared().uri})
    with pytest.raises(SettingError, match="REDIS_URL must be set"):
        async with open_shop(settings, Place(all_here(settings), serves=False, brings_sandbox=False)):
            pass
    mongod.stop_shared()


@pytest.mark.parametrize(
    ("files", "why"),
    [((), "no shop"), (("order.db",), "no shop"), (("kassa.db", "order.db"), "has kassa.db and order.db")],
)
async def test_only_a_whole_shop_is_moved(tmp_path: Path, files: tuple[str, ...], why: str) -> None:
    for name in files:
        (tmp_path / name).touch()
    with pytest.raises(CannotMove, match=why):
        await move(tmp_path, "mongodb://127.0.0.1:1", "redis://127.0.0.1:1", lambda what, done, total: None)


async def test_a_shop_that_was_moved_is_not_moved_to_another_place(tmp_path: Path) -> None:
    settings = read_settings({"KASSA_DATA": str(tmp_path)})
    async with open_shop(settings, Place(all_here(settings), brings_sandbox=False)):
        pass
    gone = note_move(tmp_path, "MongoDB at old.example, stock in Redis at old.example:6379")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for mongo, redis in (("new.example", "old.example:6379"), ("old.example", "new.example")):
        with pytest.raises(CannotMove) as refused:
            await move(tmp_path, f"mongodb://shop:secret@{mongo}", f"redis://{redis}", lambda what, done, total: None)
        assert str(refused.value).startswith(f"the shop in {tmp_path} was moved to {gone.target}, or is on the way")
        assert "secret" not in str(refused.value)
    with pytest.raises(SettingError, match=r"was moved to MongoDB at old\.example, stock in Redis"):
        async with open_shop(settings, Place(all_here(settings), serves=False, brings_sandbox=False)):
            pass
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir() if not path.name.endswith("lock")}
    assert after == before


@pytest.mark.slow
async def test_nor_is_one_of_which_an_older_release_did_not_note_where_it_is(tmp_path: Path) -> None:
    settings = read_settings({"KASSA_DATA": str(tmp_path)})
    async with open_shop(settings, Place(all_here(settings), brings_sandbox=False)):
        pass
    (tmp_path / MOVED).write_text("shop_1\n")
    with pytest.raises(CannotMove, match="was moved to MongoDB and Redis, or is on the way there: name that one"):
        await move(tmp_path, mongod.shared().uri, valkey.shared().url, lambda what, done, total: None)
    client = mongod.shared().client
    assert not [
        name
        for name in client.list_database_names()
        if name.endswith("db") and client[name].arrivals.count_documents({})
    ]
    mongod.stop_shared()
