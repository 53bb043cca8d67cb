"""How commands get at the shop: wired from the settings, without a server, also while one runs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from rich.progress import Progress

    from kassa.app.settings import Settings
    from kassa.app.shop import Shop

T = TypeVar("T")

DataOption = Annotated[Path | None, typer.Option("--data", help="Data directory; KASSA_DATA if left out.")]


def settings_for(data: Path | None = None) -> Settings:
    """The settings; `data` comes from the command line and counts more."""
    from kassa.app.settings import read_settings

    settings = read_settings()
    return replace(settings, data=data) if data is not None else settings


@asynccontextmanager
async def opened(settings: Settings, *, with_sandbox: bool = False) -> AsyncIterator[Shop]:
    """The shop that the settings name. `with_sandbox`: Stripe is to be asked; if no key is set and no sandbox
    runs, it is brought up for as long as this lasts."""
    from kassa.app.logs import configure_logs
    from kassa.app.shop import Place
    from kassa.app.wiring import open_shop, within_reach

    configure_logs("warning" if settings.log_level == "info" else settings.log_level, settings.log_format)
    place = Place(within_reach(settings), serves=False, brings_sandbox=with_sandbox)
    async with open_shop(settings, place) as shop:
        yield shop


def progress(*columns: Any) -> Progress:
    """Shows on a terminal that something goes on; elsewhere nothing."""
    from rich.console import Console
    from rich.progress import Progress

    return Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


def waiting(text: str) -> Progress:
    """Shows that something goes on whose end is not known."""
    from rich.progress import SpinnerColumn, TextColumn

    shown = progress(SpinnerColumn(), TextColumn("{task.description}"))
    shown.add_task(text)
    return shown


def run(work: Coroutine[Any, Any, T]) -> T:
    """Do it, and return its result."""
    return asyncio.run(work)
