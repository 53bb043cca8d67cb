"""Commands that only read leave the data as it is, byte for byte: they work on a copy of it.

SQLite itself changes what it opens: it makes files beside a database, moves what a killed process has left into it,
and turns one that `VACUUM INTO` made into another kind. So does a newer Kassa with what an older one has stored.
"""

import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from kassa.app.files import DataUnusable, server_locks, unlocked
from kassa.app.settings import Settings
from kassa.app.shop import Place
from kassa.app.stores import open_database, open_stock
from kassa.app.wiring import Parts

_TRIES = 50
_PAUSE_SECONDS = 0.1
_TICK_NS = 20_000_000
# `-shm` is made anew from `-wal`.
_TRIES = 50
_PAUSE_SECONDS = 0.1
_TICK_NS = 20_000_000
_COPIED = re.compile(r"[a-z]{1,40}\.db(-wal)?|sandbox-url")


def on_a_copy(settings: Settings, place: Place, closing: AsyncExitStack) -> tuple[Place, Parts]:
    """What opens a shop on a copy of its data, and of its sandbox if no server runs that."""
    folder = closing.enter_context(copied(settings.data))
    parts = Parts(open_database=partial(open_database, folder=folder), open_stock=partial(open_stock, folder=folder))
    with unlocked(settings.data / "sandbox.lock") as is_free:
        return replace(place, sandbox_data=folder if is_free else settings.data, webhook_url=None), parts


@contextmanager
def copied(data: Path) -> Iterator[Path]:
    """A folder with a copy of what a shop stores in this one, for as long as this lasts. While a server runs on the
    data it is the folder itself: it changes anyhow, and what a server has in its files is read best beside it."""
    with _ended_cleanly(), tempfile.TemporaryDirectory(prefix="kassa-") as folder:
        with unlocked(*server_locks(data)) as is_alone:
            if is_alone:
                _copy(data, Path(folder))
        yield Path(folder) if is_alone else data


def _copy(data: Path, folder: Path) -> None:
    """Copy what is there at one moment. Other commands may write meanwhile: then it is copied anew."""
    for _ in range(_TRIES):
        try:
            before = _state(data)
            # Within a tick of the clock that stamps files a second change is not seen.
            if all(time.time_ns() - changed_at > _TICK_NS for _, changed_at, _ in before.values()):
                for path in before:
                    shutil.copyfile(path, folder / path.name)
                if _state(data) == before:
                    return
        except FileNotFoundError:
            pass
        except OSError as error:
            text = f"the data in {data} cannot be copied to {folder} (TMPDIR), where it is read: {error.strerror}"
            raise DataUnusable(text) from error
        for path in folder.iterdir():
            path.unlink()
        time.sleep(_PAUSE_SECONDS)
    raise DataUnusable(f"another command changes the data in {data} all the while; try again when it is done")


def _state(data: Path) -> dict[Path, tuple[int, int, int]]:
    """What is to be copied: of each file its size, when it was changed (ns), and which one it is."""
    found = {}
    for name in os.listdir(data) if data.exists() else ():
        if _COPIED.fullmatch(name):
            seen = (data / name).stat()
            found[data / name] = (seen.st_size, seen.st_mtime_ns, seen.st_ino)
    return found


@contextmanager
def _ended_cleanly() -> Iterator[None]:
    """SIGTERM ends a command as Ctrl-C does, so that nothing of the shop is left lying about."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
