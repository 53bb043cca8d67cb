"""`kassa admin`: who may use the console."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from kassa.cli.running import DataOption, opened, run, settings_for, typed
from kassa.cli.trouble import Refusal

if TYPE_CHECKING:
    from kassa.app.shop import Shop
    from kassa.auth.domain import User

app = typer.Typer(help="Administrators.", no_args_is_help=True)

_SAID = {"created": "is an administrator now", "promoted": "is an administrator from now on"}


@app.callback()
def admin() -> None:
    """Administrators."""


@app.command()
def create(
    email: Annotated[str, typer.Argument(help="Address to log in with.")],
    data: DataOption = None,
    promote: Annotated[
        bool, typer.Option("--promote", help="Do so though somebody has registered the address.")
    ] = False,
) -> None:
    """Make an administrator. The password comes from a prompt or from KASSA_ADMIN_PASSWORD. If the address is
    registered already, this tells who has it and stops; with --promote that user becomes an administrator: the sessions
    end, and the password must be a new one, for whoever registered the address knows the present one."""
    settings = settings_for(data)

    async def make() -> None:
        from kassa.app.shop import present

        async with opened(settings) as shop:
            admins = present(shop.auth, "auth").admins
            user = await admins.who_has(email)
            if user is not None and user.role != "admin":
                print(await _described(shop, user))
                if not promote:
                    again = typed(f"admin create {email} --promote", data)
                    raise Refusal(f"{user.email} is registered already; if that is yours: {again}")
            made = await admins.make(email, _password(), promote=promote)
        print(f"{made.email} {_SAID.get(made.outcome, 'was an administrator already')}.")
        if made.has_new_password and made.outcome != "created":
            print("The password was changed, and all sessions have ended.")

    run(make())


def _password() -> str:
    given = os.environ.get("KASSA_ADMIN_PASSWORD")
    if given is None and not _has_terminal():
        raise Refusal("there is no terminal to ask for the password at: set KASSA_ADMIN_PASSWORD to it")
    return given if given is not None else str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def _has_terminal() -> bool:
    """Whether one can be asked, as getpass does: the process's own, whatever is piped in."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
    except OSError:
        return sys.stdin.isatty()
    return True


async def _described(shop: Shop, user: User) -> str:
    """Who has the address. Nothing tells that it is theirs: nobody has to prove that when registering."""
    from kassa.kit.clock import rfc3339
    from kassa.kit.text import counted

    orders = ""
    if shop.order is not None:
        orders = f", with {counted(await shop.aggregates['order'].count({'user_id': user.id}), 'order')}"
    return (
        f"{user.email} was registered on {rfc3339(user.created_at)[:10]} as {user.id}{orders}. "
        "Whether the address is theirs was not verified."
    )
