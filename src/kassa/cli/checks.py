"""`kassa audit`, `kassa reconcile`, `kassa replay`: does everything go together, and what mends it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from kassa.cli.running import DataOption, opened, run, settings_for, waiting

if TYPE_CHECKING:
    from kassa.app.audit import Difference
    from kassa.app.shop import Shop
    from kassa.payment.reconcile import Difference as PaymentDifference


def audit(data: DataOption = None) -> None:
    """Prove over all data that nothing is oversold, no money is without an order and no order without money; also
    while the shop runs. Exit status 1, and the differences, if that fails."""
    settings = settings_for(data)

    async def prove() -> Sequence[Difference]:
        async with opened(settings) as shop:
            with waiting("Comparing stock, orders and payments"):
                return await _audited(shop)

    differences = run(prove())
    if not differences:
        print("All invariants hold.")
        return
    _show_audit(differences)
    raise typer.Exit(1)


def reconcile(
    fix: Annotated[bool, typer.Option("--fix", help="Mend what differs.")] = False,
    data: DataOption = None,
) -> None:
    """Compare Stripe, payments, orders and stock. Exit status 1 if differences are left."""
    settings = settings_for(data)

    async def compare() -> tuple[list[PaymentDifference], Sequence[Difference]]:
        async with opened(settings, with_sandbox=True) as shop:
            with waiting("Asking Stripe"):
                found = await _compared(shop, fix=fix)
            with waiting("Comparing stock, orders and payments"):
                return found, await _audited(shop)

    found, others = run(compare())
    for difference in found:
        mark = "mended" if difference.is_mended else "differs"
        print(f"{mark}  {difference.subject}: {difference.text}")
    _show_audit(others)
    left = len(others) + sum(not difference.is_mended for difference in found)
    if left:
        print(f"{left} differences are left{'' if fix else '; --fix mends what can be mended'}.")
        raise typer.Exit(1)
    print("Stripe, payments, orders and stock agree.")


def replay(
    event_id: Annotated[str, typer.Argument(help="Id of a stored Stripe event: evt_…")],
    data: DataOption = None,
) -> None:
    """Act on a stored Stripe event once more. That is harmless: what it speaks of is asked for at Stripe."""
    settings = settings_for(data)

    async def act() -> tuple[str, str]:
        from kassa.app.shop import present

        async with opened(settings, with_sandbox=True) as shop:
            event = await present(shop.inbox, "payment").replay(event_id)
            await shop.settle()
        return event.status, event.note

    status, note = run(act())
    print(f"{event_id} is {status}{f': {note}' if note else ''}.")
    if status not in ("done", "ignored"):
        raise typer.Exit(1)


async def _compared(shop: Shop, *, fix: bool) -> list[PaymentDifference]:
    from kassa.app.shop import present

    reconciler = present(shop.reconciler, "payment")
    found: list[PaymentDifference] = []
    if fix:
        found += await reconciler.fetch_missed_events()
        await present(shop.rescue, "order").rescue()
    found += await reconciler.compare(fix=fix)
    await shop.settle()
    return found


async def _audited(shop: Shop) -> Sequence[Difference]:
    from kassa.app.audit import audit as proved
    from kassa.app.shop import present

    orders, payments = present(shop.order, "order").orders, present(shop.payment, "payment").payments
    return await proved(orders, payments, present(shop.stock, "inventory"), shop.clock)


def _show_audit(differences: Sequence[Difference]) -> None:
    for difference in differences:
        print(f"differs  {difference.invariant}  {difference.subject}: {difference.text}")
