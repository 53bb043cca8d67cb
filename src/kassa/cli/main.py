"""The command `kassa`. What a command needs is imported when it runs, so that `--help` is quick."""

import os
import sys
from typing import Annotated

import typer

from kassa import __version__
from kassa.app.masking import tell_bug
from kassa.cli import (
    acts,
    admin,
    bench,
    catalogue,
    checks,
    config,
    customer,
    demo,
    doctor,
    key,
    keys,
    migrate,
    server,
    simulate,
)
from kassa.cli.trouble import told

app = typer.Typer(
    name="kassa",
    help="The order-to-payment core of a shop: accounts, catalogue, stock, orders, Stripe payments.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(server.up)
app.command()(server.serve)
app.command()(server.sandbox)
app.command()(demo.demo)
app.add_typer(admin.app, name="admin")
app.command()(acts.acts)
app.add_typer(customer.app, name="customer")
app.add_typer(key.app, name="key")
app.add_typer(keys.app, name="keys")
app.command("import")(catalogue.import_)
app.command()(catalogue.export)
app.add_typer(config.app, name="config")
app.command()(checks.audit)
app.command()(checks.reconcile)
app.command()(checks.replay)
app.command()(doctor.doctor)
app.command()(migrate.migrate)
app.command()(simulate.simulate)
app.command()(bench.bench)


def _tell_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"kassa {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_tell_version)
    ] = False,
) -> None:
    """Settings come from the environment and from `.env`; see the README for all of them."""


def main() -> None:
    """Run the command; whatever is wrong is told in one line."""
    # What a shop keeps is nobody's but its owner's: names, addresses, orders, secrets.
    os.umask(0o077)
    sys.excepthook = tell_bug
    with told():
        app()


if __name__ == "__main__":
    main()
