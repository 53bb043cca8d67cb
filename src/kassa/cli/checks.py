"""`kassa audit`, `kassa reconcile`, `kassa replay`: does everything go together, and what mends it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from kassa.cli.running import DataOption, opened, progress, run, settings_for, watched
from kassa.kit.text import counted

if TYPE_CHECKING:
    from kassa.app.audit import Audit, Difference
    from kassa.app.shop import Shop
    from kassa.kit.audit import Comparison, Told


def audit(
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    data: DataOption = None,
) -> None:
    """Prove over all data that nothing is oversold, no money is without an order and no order without money; also
    while the shop runs, and say what was looked at. Exit status 1, and the differences, if that fails."""
    settings = settings_for(data)

    async def prove() -> Audit:
        async with opened(settings, reads_only=True) as shop:
            with progress() as shown:
                return await _audited(shop, watched(shown))

    result = run(prove())
    if as_json:
        _print_json(result)
    else:
        _show_audit(result.differences)
        print(_verdict(result))
    if result.differences:
        raise typer.Exit(1)


def reconcile(
    fix: Annotated[bool, typer.Option("--fix", help="Mend what differs.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    data: DataOption = None,
) -> None:
    """Compare Stripe, payments, orders and stock, and tell what was looked at and what differs. Exit status 1 if
    differences are left."""
    settings = settings_for(data)

    async def compare() -> tuple[list[Comparison], Audit]:
        from kassa.app.reconcile import reconcile as reconciled

        async with opened(settings, with_sandbox=True, reads_only=not fix) as shop:
            with progress() as shown:
                told = watched(shown)
                found, proved = await reconciled(shop, fix=fix, told=told), await _audited(shop, told)
            if fix:
                await _kept(shop, found, proved)
            return found, proved

    comparisons, result = run(compare())
    left = len(result.differences)
    left += sum(not each.is_mended for comparison in comparisons for each in comparison.findings)
    if as_json:
        report = {"comparisons": comparisons, "lookedAt": result.looked_at, "invariants": result.differences}
        _print_json(report)
    else:
        _show_report(comparisons, result, left, fix=fix)
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


async def _audited(shop: Shop, told: Told) -> Audit:
    from kassa.app.audit import audit as proved
    from kassa.app.audit_outgoing import Outgoing
    from kassa.app.audit_parts import OrderBooks
    from kassa.app.shop import present

    books = OrderBooks.of(present(shop.offering, "order").store, present(shop.invoice_store, "order"))
    payments = present(shop.payment, "payment").payments
    unclaimed = present(shop.unclaimed, "payment").money
    stock = present(shop.stock, "inventory")
    return await proved(books, payments, unclaimed, stock, shop.clock, told, Outgoing.of(shop))


async def _kept(shop: Shop, comparisons: Sequence[Comparison], result: Audit) -> None:
    """What was found is kept for the console, which says when it was looked last."""
    from kassa.app.shop import present
    from kassa.payment.check_reports import Found

    invariants = [Found(each.invariant, each.subject, each.text) for each in result.differences]
    await present(shop.check_reports, "payment").keep(comparisons, invariants)


def _verdict(result: Audit) -> str:
    """What an audit comes to, with what it has looked at: a check of nothing proves nothing."""
    all_ = result.looked_at
    sums = {"order": all_.orders, "payment": all_.payments, "product": all_.products, "stock movement": all_.movements}
    seen = ", ".join(counted(count, each) for each, count in sums.items())
    if result.differences:
        return f"{counted(len(result.differences), 'difference')}: {seen}."
    if not any(sums.values()):
        return f"Nothing is proved, for there is nothing yet: {seen}."
    return f"All invariants hold: {seen}."


def _show_audit(differences: Sequence[Difference]) -> None:
    for difference in differences:
        print(f"differs  {difference.invariant}  {difference.subject}: {difference.text}")


def _show_report(comparisons: Sequence[Comparison], result: Audit, left: int, *, fix: bool) -> None:
    for comparison in comparisons:
        mended = sum(each.is_mended for each in comparison.findings)
        differs = len(comparison.findings) - mended
        told = [
            f"{count:,} {word}"
            for count, word in ((mended, "mended"), (differs, "differ" if differs > 1 else "differs"))
            if count
        ]
        told += [comparison.note] if comparison.note else []
        print(f"{comparison.name}: {comparison.looked_at:,} looked at, {', '.join(told) or 'all agree'}")
        for finding in comparison.findings:
            print(f"  {'mended' if finding.is_mended else 'differs'}  {finding.subject}: {finding.text}")
    _show_audit(result.differences)
    print(_verdict(result))
    if left:
        are_left = counted(left, "difference is left", "differences are left")
        print(f"{are_left}{'' if fix else '; --fix mends what can be mended'}.")
    elif any(comparison.looked_at for comparison in comparisons):
        print("Stripe, payments, orders and stock agree.")
    else:
        print("There is nothing to compare yet.")


def _print_json(report: object) -> None:
    import msgspec

    print(msgspec.json.format(msgspec.json.encode(report)).decode())
