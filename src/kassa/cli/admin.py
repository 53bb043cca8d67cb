"""`kassa admin`: who may use the console."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from kassa.cli.running import DataOption, opened, run, settings_for, typed
from kassa.cli.trouble import Refusal

if TYPE_CHECKING:
    from kassa.app.settings import Settings
    from kassa.app.shop import Shop
    from kassa.auth.domain import User
    from kassa.auth.staff import Staff

    Act = Callable[[Staff, User], Awaitable[User]]

app = typer.Typer(help="The staff and their roles.", no_args_is_help=True)

EmailArgument = Annotated[str, typer.Argument(help="Address to log in with.")]
OPERATOR = "operator"
"""Who does it, in the audit."""
LastOption = Annotated[bool, typer.Option("--even-the-last", help="Do so though no other administrator is enabled.")]

_SAID = {"created": "now has", "promoted": "now has", "unchanged": "already had"}


class Role(StrEnum):
    """What somebody of the staff may do."""

    ADMIN = "admin"
    SUPPORT = "support"
    STOCK = "stock"


@app.callback()
def admin() -> None:
    """The staff and their roles."""


@app.command()
def create(
    email: EmailArgument,
    data: DataOption = None,
    promote: Annotated[
        bool, typer.Option("--promote", help="Do so though somebody has registered the address.")
    ] = False,
    role: Annotated[Role, typer.Option(help="What they may do: docs/permissions.md.")] = Role.ADMIN,
) -> None:
    """Make an administrator, or somebody else of the staff. The password comes from a prompt or from
    KASSA_ADMIN_PASSWORD. If the address is registered already, this tells who has it and stops; with --promote that
    user is given the role: the sessions end, and the password must be a new one, for whoever registered the address
    knows the present one."""
    settings = settings_for(data)

    async def make() -> None:
        from kassa.app.shop import present

        async with opened(settings) as shop:
            admins = present(shop.auth, "auth").admins
            user = await admins.who_has(email)
            if user is not None and user.role != role:
                print(await _described(shop, user))
                if not promote:
                    more = f" --role {role}" if role is not Role.ADMIN else ""
                    again = typed(f"admin create {email} --promote{more}", data)
                    raise Refusal(f"{user.email} is registered already; if that is yours: {again}")
            made = await admins.make(email, _password(), promote=promote, role=role)
        print(f"{made.email} {_SAID[made.outcome]} the role {role}.")
        if user is not None and user.is_disabled:
            print(f"The account is disabled. To enable it: {typed(f'admin enable {email}', data)}")
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


@app.command("list")
def list_staff(data: DataOption = None) -> None:
    """List the staff, the oldest first: address, role, since when they have an account, whether they
    have a second factor, and whether they are disabled."""
    settings = settings_for(data)

    async def tell() -> None:
        from kassa.app.shop import present
        from kassa.kit.clock import rfc3339

        async with opened(settings, reads_only=True) as shop:
            staff = await present(shop.auth, "auth").staff.all()
        for user in staff:
            notes = [*["second factor"] * user.has_second_factor, *["disabled"] * user.is_disabled]
            print("  ".join([user.email, user.role, f"since {rfc3339(user.created_at)[:10]}", *notes]))
        if not staff:
            again = typed("admin create EMAIL", data)
            print(f"There is no administrator. Make one: {again}", file=sys.stderr)

    run(tell())


@app.command()
def demote(email: EmailArgument, even_the_last: LastOption = False, data: DataOption = None) -> None:
    """Take away somebody's role: they become an ordinary buyer. All their sessions end at once."""
    _act(
        settings_for(data),
        email,
        lambda staff, user: staff.demote(user.id, OPERATOR, even_to_the_last=even_the_last),
        "is no longer on the staff; all sessions have ended",
    )


@app.command()
def disable(email: EmailArgument, even_the_last: LastOption = False, data: DataOption = None) -> None:
    """Stop somebody from logging in, whatever password they know. All their sessions end at once."""
    _act(
        settings_for(data),
        email,
        lambda staff, user: staff.disable(user.id, OPERATOR, even_to_the_last=even_the_last),
        "is disabled; all sessions have ended",
    )


@app.command()
def enable(email: EmailArgument, data: DataOption = None) -> None:
    """Let somebody who was disabled log in again."""
    _act(settings_for(data), email, lambda staff, user: staff.enable(user.id, OPERATOR), "can log in")


@app.command("end-sessions")
def end_sessions(email: EmailArgument, data: DataOption = None) -> None:
    """End all of somebody's sessions, at once and everywhere: they have to log in again."""
    _act(
        settings_for(data),
        email,
        lambda staff, user: staff.end_sessions(user.id, OPERATOR),
        "has to log in again; all sessions have ended",
    )


@app.command("reset-second-factor")
def reset_second_factor(email: EmailArgument, data: DataOption = None) -> None:
    """Turn off the second factor of somebody who has lost authenticator and recovery codes. All their sessions end at
    once. Make sure that it is they who ask: after this the password alone lets in."""
    _act(
        settings_for(data),
        email,
        lambda staff, user: staff.reset_second_factor(user.id, OPERATOR),
        "logs in with the password alone; all sessions have ended",
    )


def _act(settings: Settings, email: str, act: Act, said: str) -> None:
    """Do it to the user of this address, and say so."""

    async def do() -> None:
        from kassa.app.shop import present
        from kassa.contracts.auth import LastAdministrator, SecondFactorOff
        from kassa.kit.problem import NotFound

        async with opened(settings) as shop:
            auth = present(shop.auth, "auth")
            user = await auth.admins.who_has(email)
            if user is None:
                raise Refusal(f"nobody has registered {email}; `kassa admin list` shows the staff")
            try:
                await act(auth.staff, user)
            except NotFound as none:
                raise Refusal(f"{user.email} is not on the staff; `kassa admin list` shows who is") from none
            except LastAdministrator as last:
                raise Refusal(f"{user.email} is the last administrator who is enabled; add --even-the-last") from last
            except SecondFactorOff as off:
                raise Refusal(f"{user.email} has no second factor: the password alone lets in already") from off
        print(f"{user.email} {said}.")

    run(do())
