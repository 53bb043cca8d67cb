"""Commands that only read leave the data as it is, byte for byte: they work on a copy of it.

SQLite itself changes what it opens: it makes files beside a database, moves what a killed process has left into it,
and turns one that `VACUUM INTO` made into another kind. So does a newer Kassa with what an older one has stored.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from kassa.app.files import DataUnusable, server_locks, unlocked
from kassa.app.sandboxing import SANDBOX_KEY, last_sandbox_url, sandbox_running, webhook_secrets
from kassa.app.settings import Settings
from kassa.app.stores import open_database, open_stock
from kassa.app.wiring import Parts

# `-shm` is made anew from `-wal`.
_COPIED = re.compile(r"[a-z]{1,40}\.db(-wal)?|sandbox-url")


async def on_a_copy(settings: Settings, closing: AsyncExitStack, *, with_sandbox: bool) -> tuple[Settings, Parts]:
    """What opens a shop on a copy of its data, and of its sandbox if that is wanted and stands in for Stripe."""
    folder = closing.enter_context(copied(settings.data))
    parts = Parts(open_database=partial(open_database, folder=folder), open_stock=partial(open_stock, folder=folder))
    with unlocked(settings.data / "sandbox.lock") as is_free:
        is_needed = with_sandbox and settings.has_sandbox and is_free
    if is_needed and folder != settings.data:
        there = replace(settings, data=folder)
        await closing.enter_async_context(sandbox_running(there, "127.0.0.1", None))
        url, secrets = last_sandbox_url(folder), webhook_secrets(there)
        settings = replace(settings, stripe_secret_key=SANDBOX_KEY, stripe_api_base=url, stripe_webhook_secrets=secrets)
    return settings, parts


@contextmanager
def copied(data: Path) -> Iterator[Path]:
    """A folder with a copy of what a shop stores in this one, for as long as this lasts. While a server runs on the
    data it is the folder itself: it changes anyhow, and what a server has in its files is read best beside it."""
    with tempfile.TemporaryDirectory(prefix="kassa-") as folder:
        with unlocked(*server_locks(data)) as is_alone:
            if is_alone:
                _copy(data, Path(folder))
        yield Path(folder) if is_alone else data


def _copy(data: Path, folder: Path) -> None:
    try:
        for name in os.listdir(data) if data.exists() else ():
            if _COPIED.fullmatch(name):
                shutil.copyfile(data / name, folder / name)
    except OSError as error:
        text = f"the data in {data} cannot be copied to {folder} (TMPDIR), where it is read: {error.strerror}"
        raise DataUnusable(text) from error
