"""`kassa customer`: what the shop stores of a customer, told and erased."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kassa.cli.running import DataOption, opened, run, settings_for, typed
from kassa.cli.trouble import Refusal
from kassa.kit.text import counted

if TYPE_CHECKING:
    from kassa.app.shop import Shop
    from kassa.auth.customers import Customers
    from kassa.auth.domain import User
    from kassa.contracts.order import OrderRecord
    from kassa.contracts.stock_notices import NoticeRecord

app = typer.Typer(help="Customers' own data.", no_args_is_help=True)

WhoArgument = Annotated[str, typer.Argument(help="The customer's address, or id (usr_…).")]
_DASHBOARD = "https://dashboard.stripe.com/payments"
_REDACTION = "https://docs.stripe.com/privacy/redaction"


@app.callback()
def customer() -> None:
    """Customers' own data."""


@app.command()
def export(who: WhoArgument, data: DataOption = None) -> None:
    """Print all that the shop stores of a customer, as one JSON document: of the account, and of the orders that guests
    have made with its address, and what that waits for. What staff wrote about refunds is in it."""
    settings = settings_for(data)

    async def tell() -> None:
        import msgspec

        async with opened(settings) as shop:
            customers = _customers(shop)
            user, guests, waits_for = await _found(shop, who)
            told: Any = await customers.export(user, for_operator=True) if user is not None else {}
            if guests:
                told = {**msgspec.to_builtins(told), "guestOrders": msgspec.to_builtins(guests)}
            if waits_for:
                told = {**msgspec.to_builtins(told), "stockNotices": msgspec.to_builtins(waits_for)}
        print(msgspec.json.format(msgspec.json.encode(told), indent=2).decode())

    run(tell())


@app.command()
def erase(
    who: WhoArgument,
    data: DataOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do so without asking.")] = False,
) -> None:
    """Erase a customer for good: the account, what guests have ordered with its address, and what that waits for.
    Nobody can log in to it any more; unpaid orders are cancelled; paid ones stay, with nothing in them that names the
    customer. Refunds and disputes go on. What Stripe has stays there, and is named, so that it can be redacted."""
    settings = settings_for(data)

    async def forget() -> None:
        from kassa.kit.access import STAFF

        async with opened(settings, with_sandbox=True) as shop:
            user, guests, waits_for = await _found(shop, who)
            if user is not None and user.role in STAFF:
                first = typed(f"admin demote {user.email}", data)
                raise Refusal(f"{user.email} is on the staff, and has to become a buyer first: {first}")
            if not yes:
                typer.confirm(f"Erase {_named(user, guests, waits_for)} for good?", abort=True, err=True)
            customers = _customers(shop)
            records = [*guests, *((await customers.export(user)).orders if user is not None else [])]
            if user is not None:
                await customers.erase(user, "operator")
            if guests or waits_for:
                await customers.erase_guests(who)
            await shop.settle()
            await _rewrite(shop)
        if user is not None:
            print(f"{user.id} is erased. Its orders stay, and name nobody.")
            print(f"Erase it again after a backup is put back: {typed('customer erased', data)} lists who was erased.")
        if guests:
            print(f"{counted(len(guests), 'order')} of guests name nobody any more.")
        if waits_for:
            print(f"The address waits for nothing any more: {counted(len(waits_for), 'product')} it waited for.")
        if at_stripe := [id for each in records for id in _at_stripe(each.payment)]:
            print(f"At Stripe there is still what it was told of the buyer; redact these there ({_REDACTION}):")
            print("\n".join(f"  {_DASHBOARD}/{id}" for id in at_stripe))

    run(forget())


@app.command()
def erased(data: DataOption = None) -> None:
    """List who was erased: one id a line, and when. Keep the list apart from the backups, for `kassa customer
    erase-again`."""
    settings = settings_for(data)

    async def tell() -> None:
        from kassa.kit.clock import rfc3339

        async with opened(settings) as shop:
            async for user in _customers(shop).erased():
                print(user.id, rfc3339(user.erased_at or 0))

    run(tell())


@app.command("erase-again")
def erase_again(
    listed: Annotated[Path, typer.Argument(help="The list that `kassa customer erased` has printed; - for stdin.")],
    data: DataOption = None,
) -> None:
    """Erase again, after a backup was put back, who was erased since it was made."""
    settings = settings_for(data)

    async def forget() -> None:
        ids = [line.split()[0] for line in _lines(listed) if line.strip()]
        async with opened(settings, with_sandbox=True) as shop:
            found = [each for each in ids if await _customers(shop).erase_again(each)]
            await shop.settle()
            await _rewrite(shop)
        print(f"{len(found)} of {len(ids)} are here, and erased.")

    run(forget())


def _lines(listed: Path) -> list[str]:
    try:
        return sys.stdin.readlines() if str(listed) == "-" else listed.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(f"{listed} cannot be read: {error}") from None


def _customers(shop: Shop) -> Customers:
    from kassa.app.shop import present

    return present(shop.customers, "auth")


async def _found(shop: Shop, who: str) -> tuple[User | None, list[OrderRecord], list[NoticeRecord]]:
    """The account of this id or address, the orders that guests have made with the address, and what it waits for."""
    customers = _customers(shop)
    user = await customers.of(who)
    guests = await customers.guest_orders(who) if "@" in who else []
    waits_for = await customers.waits_for(who) if "@" in who else []
    if user is not None and user.erased_at is not None:
        user = None
    if user is None and not guests and not waits_for:
        raise Refusal(f"there is no customer {who}")
    return user, guests, waits_for


def _named(user: User | None, guests: list[OrderRecord], waits_for: list[NoticeRecord]) -> str:
    account = [f"{user.email} ({user.id})"] if user is not None else []
    orders = [f"whom {counted(len(guests), 'order')} of guests name"] if guests else []
    products = [f"what it waits for, {counted(len(waits_for), 'product')}"] if waits_for else []
    return " and ".join(account + orders + products)


def _at_stripe(payment: object) -> list[str]:
    return [id for id in getattr(payment, "at_stripe", ()) if id.startswith("pi_")]


async def _rewrite(shop: Shop) -> None:
    """Files are written anew, so that nothing is left in them. A server that runs may not wait for long."""
    from kassa.app.files import server_locks, unlocked
    from kassa.auth.customers import LARGEST_REWRITTEN

    with unlocked(*server_locks(shop.settings.data)) as is_free:
        for database in {id(each): each for each in shop.databases.values()}.values():
            if not await database.rewrite(None if is_free else LARGEST_REWRITTEN):
                print("The data is too large to be written anew while the shop runs: do this again when it is stopped.")
