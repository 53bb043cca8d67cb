"""`kassa keys`: the keys that a shop signs with."""

from __future__ import annotations

import secrets
import sys

import typer

from kassa.cli.running import DataOption, settings_for

app = typer.Typer(help="The keys that the shop signs with.", no_args_is_help=True)


@app.callback()
def keys() -> None:
    """The keys that the shop signs with."""


@app.command()
def services() -> None:
    """Make a pair of keys for each service, and print them as settings: each service gets its own SERVICE_KEYS, so that
    none can pretend to be another, and all get the same SERVICE_PUBLIC_KEYS. What is printed is secret."""
    from kassa.app.reading import SERVICES
    from kassa.kit.service_keys import new_pair

    pairs = {name: new_pair() for name in SERVICES}
    for name, (private, _) in pairs.items():
        print(f"{name.upper()}_KEYS={name}:{private}")
    print(f"SERVICE_PUBLIC_KEYS={','.join(f'{name}:{public}' for name, (_, public) in pairs.items())}")
    print("# Give each service its line as SERVICE_KEYS, and all of them the last one.", file=sys.stderr)


@app.command()
def rotate(data: DataOption = None) -> None:
    """Sign users' tokens with a new key from the next start on. Nobody is logged out: what the present key has signed
    is good until it expires. For a shop that keeps its secret in its data directory; where JWT_SECRET is set, put a
    new one before the old one, with a comma between them."""
    from kassa.app.logs import configure_command_logs
    from kassa.app.secrets import replace_secret
    from kassa.app.settings import SettingError
    from kassa.kit import security

    settings = settings_for(data)
    if settings.jwt_secrets:
        raise SettingError("JWT_SECRET", "is set, so it is changed there: put a new one and a comma before the old one")
    if not replace_secret(settings.data, "jwt-secret", lambda known: f"{secrets.token_hex(32)},{known.split(',')[0]}"):
        typer.echo(f"There is no key in {settings.data} yet: the first start makes one.", err=True)
        raise typer.Exit(1)
    configure_command_logs(settings)
    security.event(security.KEYS_ROTATED, by="operator")
    print("There is a new key. Start the shop again to sign with it.")
