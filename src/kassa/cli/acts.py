"""`kassa acts`: what staff and programs did."""

from __future__ import annotations

from typing import Annotated

import typer

from kassa.cli.running import DataOption, opened, run, settings_for


def acts(
    who: Annotated[str | None, typer.Option(help="Only of this user or API key, by its id.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only on this order, product, user or key.")] = None,
    outcome: Annotated[str | None, typer.Option(help="Only `done`, `refused` or `unknown` ones.")] = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=100)] = 50,
    data: DataOption = None,
) -> None:
    """List what staff and API keys did, and were refused, the latest first: when, who, in which role, from where, what,
    on what, and how it ended."""
    settings = settings_for(data)

    async def tell() -> None:
        from kassa.app.shop import present
        from kassa.kit.clock import rfc3339
        from kassa.kit.web import paging

        given = {"who": who, "subject": subject, "outcome": outcome}
        where = {name: value for name, value in given.items() if value is not None}
        async with opened(settings, reads_only=True) as shop:
            found, _ = await present(shop.auth, "auth").acts.listed(where, paging(limit))
        for act in found[:limit]:
            ended = f"{act.outcome} ({act.status})" if act.status else act.outcome
            print("  ".join((rfc3339(act.at), act.name, act.role, act.address, act.what, act.subject or "-", ended)))

    run(tell())
