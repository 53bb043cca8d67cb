"""`kassa key`: API keys for programs."""

from __future__ import annotations

from typing import Annotated

import typer

from kassa.cli.running import DataOption, opened, run, settings_for

app = typer.Typer(help="API keys for programs.", no_args_is_help=True)


@app.callback()
def key() -> None:
    """API keys for programs."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Annotated[list[str], typer.Option(help="What it may do; can be given several times.")],
    days: Annotated[int, typer.Option(help="Days until it expires.")] = 365,
    data: DataOption = None,
) -> None:
    """Make a key and print it, this once: only its hash is kept. A program sends it as `Authorization: Bearer KEY`.
    docs/permissions.md lists the scopes."""
    settings = settings_for(data)

    async def make() -> None:
        from kassa.app.shop import present

        async with opened(settings) as shop:
            _, secret = await present(shop.auth, "auth").api_keys.make(name, scope, days, "operator")
        print(secret)

    run(make())


@app.command("list")
def list_keys(data: DataOption = None) -> None:
    """List the keys, the latest first: id, name, scopes, until when they are good, and when they were used last."""
    settings = settings_for(data)

    async def tell() -> None:
        from kassa.app.shop import present
        from kassa.kit.clock import rfc3339
        from kassa.kit.lists import paging

        async with opened(settings, reads_only=True) as shop:
            found, _ = await present(shop.auth, "auth").api_keys.listed(paging(100))
        for each in found[:100]:
            until = f"until {rfc3339(each.expires_at)[:10]}" if each.ended_at is None else "ended"
            used = f"used {rfc3339(each.used_at)[:16]}" if each.used_at else "never used"
            print("  ".join((each.id, each.name, ",".join(each.scopes), until, used)))

    run(tell())


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="As `kassa key list` shows it.")], data: DataOption = None
) -> None:
    """End a key, at once and for good."""
    settings = settings_for(data)

    async def end() -> None:
        from kassa.app.shop import present

        async with opened(settings) as shop:
            ended = await present(shop.auth, "auth").api_keys.end(key_id, "operator")
        print(f"{ended.name} has ended.")

    run(end())
