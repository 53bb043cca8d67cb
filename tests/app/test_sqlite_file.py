"""What a file is, also where all of it is in the log that a killed process has left."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from kassa.app.sqlite_file import Unfit, has_tables

OWN = "name TEXT NOT NULL"


@pytest.mark.parametrize("sql", [f"CREATE TABLE tea ({OWN})", "CREATE TABLE tea (name)"], ids=["ours", "another's"])
@pytest.mark.parametrize("is_in_the_log", [True, False])
def test_whose_a_file_is(tmp_path: Path, sql: str, is_in_the_log: bool) -> None:
    there = tmp_path / "left #1?"
    there.mkdir()
    with closing(sqlite3.connect(tmp_path / "x.db")) as database:
        database.execute("PRAGMA journal_mode = WAL")
        with database:
            database.execute(sql)
        if not is_in_the_log:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for name in ("x.db", "x.db-wal"):
            shutil.copyfile(tmp_path / name, there / name)
    before = {path.name: path.read_bytes() for path in there.iterdir()}
    if OWN in sql:
        assert has_tables(there / "x.db", [OWN])
    else:
        with pytest.raises(Unfit, match="is another program's database, with tea"):
            has_tables(there / "x.db", [OWN])
    assert {path.name: path.read_bytes() for path in there.iterdir()} == before


def test_nothing_is_in_what_is_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    with closing(sqlite3.connect(tmp_path / "without.db")) as database:
        database.execute("PRAGMA user_version = 7")
    assert (tmp_path / "without.db").stat().st_size > 0
    for name in ("missing.db", "empty.db", "without.db"):
        assert not has_tables(tmp_path / name, [OWN])
