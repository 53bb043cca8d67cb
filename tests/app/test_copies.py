"""What commands read is what the data was at one moment, and nobody is kept from starting by that."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from kassa.app.copies import copied
from kassa.app.files import DataInUse, Lock
from tests.app.process import environment


def shop(data: Path) -> Path:
    data.mkdir()
    for name in ("kassa.db", "kassa.db-wal"):
        (data / name).write_text("old")
        os.utime(data / name, (1, 1))
    return data


def test_what_is_written_while_it_is_copied_is_copied_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, copy, writes = shop(tmp_path / "data"), shutil.copyfile, ["new"]

    def copy_beside_a_writer(path: Path, to: Path) -> Any:
        copy(path, to)
        if writes:
            for name in ("kassa.db", "kassa.db-wal"):
                (data / name).write_text(writes[0])
            writes.pop()

    monkeypatch.setattr(shutil, "copyfile", copy_beside_a_writer)
    with copied(data) as folder:
        assert {path.name: path.read_text() for path in folder.iterdir()} == {"kassa.db": "new", "kassa.db-wal": "new"}


def test_a_file_that_goes_away_meanwhile_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, copy = shop(tmp_path / "data"), shutil.copyfile

    def copy_beside_a_writer(path: Path, to: Path) -> Any:
        (data / "kassa.db-wal").unlink(missing_ok=True)
        return copy(path, to)

    monkeypatch.setattr(shutil, "copyfile", copy_beside_a_writer)
    with copied(data) as folder:
        assert [path.name for path in folder.iterdir()] == ["kassa.db"]


def test_a_server_that_starts_waits_for_the_copy_and_not_for_a_server(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("a") as reading:
        fcntl.flock(reading, fcntl.LOCK_SH)
        threading.Timer(0.3, fcntl.flock, (reading, fcntl.LOCK_UN)).start()
        lock = Lock(path)
    began = time.monotonic()
    with pytest.raises(DataInUse):
        Lock(path)
    assert time.monotonic() - began < 30  # at once: to wait would take a minute
    lock.release()


def test_a_command_that_is_stopped_leaves_no_copy(tmp_path: Path) -> None:
    data = shop(tmp_path / "data")
    (tmp_path / "tmp").mkdir()
    program = "import sys, time; from pathlib import Path; from kassa.app.copies import copied\n"
    program += "with copied(Path(sys.argv[1])):\n    print('copied', flush=True)\n    time.sleep(60)"
    command = [sys.executable, "-c", program, str(data)]
    surroundings = environment(TMPDIR=str(tmp_path / "tmp"))
    with subprocess.Popen(command, env=surroundings, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert list((tmp_path / "tmp").iterdir())
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM
    assert list((tmp_path / "tmp").iterdir()) == []
