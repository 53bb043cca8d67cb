"""Reconciliation of the whole shop: with Stripe, of the stock with the orders, of the levels with the ledger."""

from kassa.app.shop import Shop, present
from kassa.kit.audit import Comparison


async def reconcile(shop: Shop, *, fix: bool) -> list[Comparison]:
    """Compare everything, and mend what differs if asked to; in an order in which one mend does not hide another."""
    payments = present(shop.reconciler, "payment")
    stock = present(shop.stock_reconciler, "inventory")
    comparisons = [await payments.fetch_missed_events(fix=fix)]
    await shop.settle()
    if fix:
        await present(shop.rescue, "order").rescue()
    comparisons += await payments.compare(fix=fix)
    await shop.settle()
    return comparisons + await stock.compare(fix=fix)
