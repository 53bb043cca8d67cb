"""`kassa admin`: who may use the console."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from kassa.cli.running import DataOption, opened, run, settings_for
from kassa.cli.trouble import Refusal

app = typer.Typer(help="Administrators.", no_args_is_help=True)


@app.callback()
def admin() -> None:
    """Administrators."""


@app.command()
def create(
    email: Annotated[str, typer.Argument(help="Address to log in with.")],
    data: DataOption = None,
) -> None:
    """Make an administrator, or make one of the user that has this address. The password comes from a prompt or
    from KASSA_ADMIN_PASSWORD; a user that exists keeps the present one if it is left empty."""
    settings = settings_for(data)
    password = os.environ.get("KASSA_ADMIN_PASSWORD")
    if password is None and not _has_terminal():
        text = "there is no terminal to ask for the password at: set KASSA_ADMIN_PASSWORD to it"
        raise Refusal(f"{text}, or to nothing to keep the present one of a user that exists")
    if password is None:
        text = "Password (leave it empty to keep a user's present one)"
        password = typer.prompt(text, default="", hide_input=True, confirmation_prompt=True, show_default=False)

    async def make() -> None:
        from kassa.app.shop import present

        async with opened(settings) as shop:
            made = await present(shop.auth, "auth").create_admin(email, password or None)
        said = {"created": "is an administrator now", "promoted": "is an administrator from now on"}
        print(f"{made.email} {said.get(made.outcome, 'was an administrator already')}.")
        if made.has_new_password and made.outcome != "created":
            print("The password was changed, and all sessions have ended.")

    run(make())


def _has_terminal() -> bool:
    """Whether one can be asked, as getpass does: the process's own, whatever is piped in."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
    except OSError:
        return sys.stdin.isatty()
    return True
