"""How commands get at the shop: wired from the settings, without a server, also while one runs."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from kassa.app.settings import Settings
    from kassa.app.shop import Shop
    from kassa.kit.audit import Told

T = TypeVar("T")

# Not `readable`: a path that is not to be read is told in our words, in one line.
DataOption = Annotated[
    Path | None, typer.Option("--data", help="Data directory; KASSA_DATA if left out.", readable=False)
]


def settings_for(data: Path | None = None) -> Settings:
    """The settings; `data` comes from the command line and counts more."""
    from kassa.app.settings import read_settings

    settings = read_settings()
    return replace(settings, data=data) if data is not None else settings


@asynccontextmanager
async def opened(settings: Settings, *, with_sandbox: bool = False, reads_only: bool = False) -> AsyncIterator[Shop]:
    """The shop that the settings name; NoShop if there is none, for only a server makes one. `with_sandbox`: Stripe is
    to be asked; if no key is set and no sandbox runs, it is brought up for as long as this lasts; SettingError
    where it cannot be meant, as at a server's start. `reads_only`: what
    is in files is left as it is, byte for byte."""
    from kassa.app.copies import on_a_copy
    from kassa.app.logs import configure_command_logs
    from kassa.app.record import whereabouts
    from kassa.app.shop import Place
    from kassa.app.stores import find_shop
    from kassa.app.wiring import Parts, all_here, open_shop, within_reach

    configure_command_logs(settings)
    if with_sandbox:
        settings.require_key(all_here(settings), "127.0.0.1")
    place = Place(within_reach(settings), serves=False, brings_sandbox=with_sandbox)
    await find_shop(settings, place.files)
    async with AsyncExitStack() as closing:
        parts = Parts()
        if reads_only:
            place, parts = on_a_copy(settings, place, closing)
        shop = await closing.enter_async_context(open_shop(settings, place, parts))
        print(f"Shop: {whereabouts(settings)}", file=sys.stderr)
        yield shop


def typed(command: str, data: Path | None = None) -> str:
    """The command as it can be typed here, where `kassa` need not be on the PATH; `data` is what --data was."""
    beside = Path(sys.executable).with_name("kassa")
    program = "kassa" if shutil.which("kassa") or not beside.exists() else os.path.relpath(beside)
    return f"{program} {command}{'' if data is None else f' --data {shlex.quote(str(data))}'}"


def progress() -> Progress:
    """Shows on a terminal what is done, and how much of it was; elsewhere nothing."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


def watched(shown: Progress) -> Told:
    """Tells `shown`."""
    tasks: dict[str, TaskID] = {}

    def told(what: str, done: int, total: int | None) -> None:
        if what not in tasks:
            tasks[what] = shown.add_task(what, total=total)
        shown.update(tasks[what], completed=done, total=total)

    return told


def run(work: Coroutine[Any, Any, T]) -> T:
    """Do it, and return its result."""
    return asyncio.run(work)
