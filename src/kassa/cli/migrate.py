"""`kassa migrate`: a shop on SQLite moves to MongoDB and Redis."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from kassa.cli.running import progress, run, settings_for, watched
from kassa.cli.trouble import Refusal
from kassa.kit.text import counted

if TYPE_CHECKING:
    from kassa.app.migration import Moved

SHOWN = 20


def migrate(
    source: Annotated[Path, typer.Argument(help="Data directory of the shop, which must not run.", readable=False)],
    target: Annotated[str | None, typer.Argument(help="MongoDB to move to; MONGO_URI if left out.")] = None,
    redis: Annotated[str | None, typer.Option(help="Redis or Valkey for the stock; REDIS_URL if left out.")] = None,
) -> None:
    """Move a shop from SQLite to MongoDB and Redis, and prove at the end that all of it is there. If that is broken
    off, the same command goes on."""
    settings = settings_for()
    settings = replace(settings, mongo_uri=target or settings.mongo_uri, redis_url=redis or settings.redis_url)
    if settings.mongo_uri is None:
        raise Refusal("name the MongoDB to move to: MONGO_URI, or kassa migrate SOURCE TARGET")
    if settings.redis_url is None:
        raise Refusal("name the Redis to move the stock to: REDIS_URL, or --redis")
    moved = run(_move(source, settings.mongo_uri, settings.redis_url))
    if moved.differences:
        for difference in moved.differences[:SHOWN]:
            print(f"differs  {difference.invariant}  {difference.subject}: {difference.text}")
        raise Refusal(f"{counted(len(moved.differences), 'difference')}: the move has not ended")
    if moved.was_moved_before:
        print("The shop was moved before. All invariants hold.")
    else:
        moves = counted(moved.movements, "stock movement")
        print(f"Moved {counted(moved.documents, 'document')} and {moves}. All invariants hold.")
    print(f"Start the shop with MONGO_URI and REDIS_URL set, and with KASSA_DATA={source}:")
    print("its secrets stay there. What its files hold is kept, and not used any more.")


async def _move(source: Path, mongo_uri: str, redis_url: str) -> Moved:
    from kassa.app.logs import configure_logs
    from kassa.app.migration import CannotMove, move

    configure_logs("error", None, [part for uri in (mongo_uri, redis_url) if (part := urlsplit(uri).password)])
    with progress() as shown:
        try:
            return await move(source, mongo_uri, redis_url, watched(shown))
        except CannotMove as error:
            raise Refusal(str(error)) from None
