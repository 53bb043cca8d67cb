"""`kassa audit`, `kassa reconcile`, `kassa replay`: does everything go together, and what mends it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from kassa.cli.running import DataOption, opened, run, settings_for, waiting

if TYPE_CHECKING:
    from kassa.app.audit import Difference
    from kassa.app.shop import Shop
    from kassa.kit.audit import Comparison


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
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    data: DataOption = None,
) -> None:
    """Compare Stripe, payments, orders and stock, and tell what was looked at and what differs. Exit status 1 if
    differences are left."""
    settings = settings_for(data)

    async def compare() -> tuple[list[Comparison], Sequence[Difference]]:
        from kassa.app.reconcile import reconcile as reconciled

        async with opened(settings, with_sandbox=True) as shop:
            with waiting("Asking Stripe, comparing orders and stock"):
                return await reconciled(shop, fix=fix), await _audited(shop)

    comparisons, others = run(compare())
    left = len(others) + sum(not each.is_mended for comparison in comparisons for each in comparison.findings)
    if as_json:
        _print_json(comparisons, others)
    else:
        _show_report(comparisons, others, left, fix=fix)
    if left:
        raise typer.Exit(1)


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


async def _audited(shop: Shop) -> Sequence[Difference]:
    from kassa.app.audit import audit as proved
    from kassa.app.shop import present

    orders, payments = present(shop.order, "order").orders, present(shop.payment, "payment").payments
    unclaimed = present(shop.unclaimed, "payment").money
    return await proved(orders, payments, unclaimed, present(shop.stock, "inventory"), shop.clock)


def _show_audit(differences: Sequence[Difference]) -> None:
    for difference in differences:
        print(f"differs  {difference.invariant}  {difference.subject}: {difference.text}")


def _show_report(comparisons: Sequence[Comparison], others: Sequence[Difference], left: int, *, fix: bool) -> None:
    for comparison in comparisons:
        mended = sum(each.is_mended for each in comparison.findings)
        differs = len(comparison.findings) - mended
        told = ", ".join(f"{count} {word}" for count, word in ((mended, "mended"), (differs, "differ")) if count)
        print(f"{comparison.name}: {comparison.looked_at} looked at, {told or 'all agree'}")
        for finding in comparison.findings:
            print(f"  {'mended' if finding.is_mended else 'differs'}  {finding.subject}: {finding.text}")
    print(f"invariants: {f'{len(others)} do not hold' if others else 'all hold'}")
    _show_audit(others)
    if left:
        print(f"{left} differences are left{'' if fix else '; --fix mends what can be mended'}.")
    else:
        print("Stripe, payments, orders and stock agree.")


def _print_json(comparisons: Sequence[Comparison], others: Sequence[Difference]) -> None:
    import msgspec

    print(msgspec.json.format(msgspec.json.encode({"comparisons": comparisons, "invariants": others})).decode())
