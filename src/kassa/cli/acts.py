"""`kassa acts`: what staff and programs did."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from kassa.cli.running import DataOption, opened, run, settings_for
from kassa.cli.trouble import Refusal

if TYPE_CHECKING:
    from kassa.auth.service import AuthService


class Outcome(StrEnum):
    """How an act has ended."""

    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"


def acts(
    who: Annotated[
        str | None, typer.Option(help="Only of this user, by address or id, or of this API key, by its id.")
    ] = None,
    subject: Annotated[str | None, typer.Option(help="Only on this order, product, user or key.")] = None,
    outcome: Annotated[Outcome | None, typer.Option(help="Only what has ended so.")] = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=100)] = 50,
    data: DataOption = None,
) -> None:
    """List what staff and API keys did, and were refused, the latest first: when, who, in which role, from where, what,
    on what, and how it ended."""
    settings = settings_for(data)

    async def tell() -> None:
        from kassa.app.shop import present
        from kassa.kit.clock import rfc3339
        from kassa.kit.lists import paging

        async with opened(settings, reads_only=True) as shop:
            auth = present(shop.auth, "auth")
            given = {"who": await _id_of(auth, who), "subject": await _id_of(auth, subject), "outcome": outcome}
            where = {name: str(value) for name, value in given.items() if value is not None}
            found, _ = await auth.acts.listed(where, paging(limit))
        for act in found[:limit]:
            ended = f"{act.outcome} ({act.status})" if act.status else act.outcome
            print("  ".join((rfc3339(act.at), act.name, act.role, act.address, act.what, act.subject or "-", ended)))
        if not found:
            print("There is no such act." if where else "Nothing was done yet.", file=sys.stderr)

    run(tell())


async def _id_of(auth: AuthService, named: str | None) -> str | None:
    """The id of the user who has this address; what is no address is an id."""
    if named is None or "@" not in named:
        return named
    user = await auth.user_of(named)
    if user is None:
        raise Refusal(f"nobody has registered {named}; look it up with `kassa admin list`, or give an id")
    return user.id
