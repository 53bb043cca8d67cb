"""`kassa config`: how the shop sells, as a file: zones, shipping methods, tax rates."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from kassa.cli.running import DataOption, opened, run, settings_for
from kassa.cli.trouble import Refusal
from kassa.kit.text import counted

app = typer.Typer(help="How the shop sells: where it sends to, by which methods, its tax rates.", no_args_is_help=True)
WHO = "operator"
_LARGEST = 1024 * 1024


@app.callback()
def config() -> None:
    """How the shop sells: where it sends to, by which methods, its tax rates."""


@app.command()
def export(
    out: Annotated[Path | None, typer.Option(help="File to write; the terminal if left out.", readable=False)] = None,
    data: DataOption = None,
) -> None:
    """Write how the shop sells as JSON; importing that file changes nothing."""
    settings = settings_for(data)

    async def tell() -> str:
        import msgspec

        from kassa.app.shop import present
        from kassa.kit.wire import encode
        from kassa.order.selling_wire import selling_shown

        async with opened(settings, reads_only=True) as shop:
            offering = present(shop.offering, "order")
            shown = selling_shown(await offering.selling(), settings.currency, settings.tax)
        members = {name: getattr(shown, name) for name in shown.__struct_fields__}
        for name in ("currency", "tax", "updated_at"):
            del members[name]
        fields = zip(shown.__struct_fields__, shown.__struct_encode_fields__, strict=True)
        named = {wire: members[name] for name, wire in fields if name in members}
        return msgspec.json.format(encode(named), indent=2).decode() + "\n"

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
    """Sell as the file says from now on: all of it, or nothing if something is wrong. What it leaves out is not there
    any more."""
    settings = settings_for(data)
    content = _content(file)

    async def load() -> None:
        from kassa.app.shop import present
        from kassa.kit.problem import Invalid, Malformed
        from kassa.kit.wire import decode
        from kassa.order.selling_wire import SellingIn

        async with opened(settings) as shop:
            try:
                given = decode(content, SellingIn)
                sold = await present(shop.offering, "order").sell(given, WHO, None)
            except Malformed as malformed:
                raise Refusal(f"{file} is no JSON: {malformed.detail}") from None
            except Invalid as invalid:
                for error in invalid.errors:
                    print(f"{error.field}: {error.message}", file=sys.stderr)
                raise Refusal(f"nothing was changed: mend what is told above in {file}") from None
        counts = ((sold.zones, "zone"), (sold.methods, "shipping method"), (sold.rates, "tax rate"))
        print(", ".join(counted(len(each), word) for each, word in counts) + ".")

    run(load())


def _content(file: Path) -> bytes:
    try:
        content = sys.stdin.buffer.read(_LARGEST + 1) if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise Refusal(f"{file} cannot be read: {error.strerror}") from None
    if len(content) > _LARGEST:
        raise Refusal(f"{file} is too large: at most {_LARGEST} bytes")
    return content
