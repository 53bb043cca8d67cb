"""`kassa config`: how the shop sells and what it is known by, as a file: zones, shipping methods, tax rates, and its
profile."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from kassa.cli.running import DataOption, opened, run, settings_for
from kassa.cli.trouble import Refusal
from kassa.kit.text import counted

app = typer.Typer(
    help="How the shop sells, and its profile: where it sends to, tax rates, name, looks, texts.", no_args_is_help=True
)
WHO = "operator"
_LARGEST = 4 * 1024 * 1024


@app.callback()
def config() -> None:
    """How the shop sells, and its profile: where it sends to, its tax rates, name, looks, texts."""


@app.command()
def export(
    out: Annotated[Path | None, typer.Option(help="File to write; the terminal if left out.", readable=False)] = None,
    data: DataOption = None,
) -> None:
    """Write how the shop sells, and its profile, as JSON; importing that file changes nothing."""
    settings = settings_for(data)

    async def tell() -> str:
        from kassa.app.shop import present
        from kassa.cli.config_file import written

        async with opened(settings, reads_only=True) as shop:
            selling = await present(shop.offering, "order").selling()
            return written(selling, await present(shop.profiles, "order").profile(), settings.currency)

    text = run(tell())
    if out is None:
        sys.stdout.write(text)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refusal(f"{out} cannot be written: {error.strerror}") from None
    print(f"Wrote {out}.")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="What `kassa config export` writes; - for what is piped in.")],
    data: DataOption = None,
) -> None:
    """Sell, and be known, as the file says from now on: all of it, or nothing if something is wrong. What it leaves out
    is not there any more; without a shopProfile the profile stays as it is."""
    settings = settings_for(data)
    content = _content(file)

    async def load() -> None:
        from kassa.app.shop import present
        from kassa.cli.config_file import read

        async with opened(settings) as shop:
            given = read(content, str(file), settings.currency)
            profile = given.shop_profile
            sold = await present(shop.offering, "order").sell(given, WHO, None)
            if profile is not None:
                await present(shop.profiles, "order").change(profile, WHO, None)
        counts = ((sold.zones, "zone"), (sold.methods, "shipping method"), (sold.rates, "tax rate"))
        told = [counted(len(each), word) for each, word in counts] + (["the profile"] if profile else [])
        print(", ".join(told) + ".")

    run(load())


def _content(file: Path) -> bytes:
    try:
        content = sys.stdin.buffer.read(_LARGEST + 1) if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise Refusal(f"{file} cannot be read: {error.strerror}") from None
    if len(content) > _LARGEST:
        raise Refusal(f"{file} is too large: at most {_LARGEST} bytes")
    return content
