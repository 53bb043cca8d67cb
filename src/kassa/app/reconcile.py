"""Reconciliation of the whole shop: with Stripe, of what is to be done, of the stock with the orders, of the levels
with the ledger."""

from kassa.app.attention import compare_attention
from kassa.app.shop import Shop, present
from kassa.app.unfinished import compare_unfinished
from kassa.kit.audit import Comparison, Told, nobody_told


async def reconcile(shop: Shop, *, fix: bool, told: Told = nobody_told) -> list[Comparison]:
    """Compare everything, and mend what differs if asked to; in an order in which one mend does not hide another."""
    payments = present(shop.reconciler, "payment")
    stock = present(shop.stock_reconciler, "inventory")
    comparisons = [await compare_unfinished(shop, fix=fix)]
    comparisons.append(await payments.fetch_missed_events(fix=fix, told=told))
    await shop.settle()
    if fix:
        await present(shop.rescue, "order").rescue()
    comparisons += await payments.compare(fix=fix, told=told)
    await shop.settle()
    comparisons.append(await compare_attention(shop.outboxes.values(), present(shop.inbox, "payment"), fix=fix))
    await shop.settle()
    return comparisons + await stock.compare(fix=fix, told=told)
