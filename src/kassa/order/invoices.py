"""What of an order an invoice tells, and when one is made out."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from kassa.contracts.invoicing import Invoice, Invoices, Refunded, Seller, Sold
from kassa.contracts.mail import LOCALES
from kassa.contracts.payment import Payments
from kassa.kit.clock import Millis
from kassa.kit.documents import Collection
from kassa.kit.effects import Effect
from kassa.order.domain import Kind, Order, Stage
from kassa.order.selling import ID, Selling

PAID = (Stage.CONFIRMED, Stage.REFUNDED)
_PAID_BY = (Kind.PAID, Kind.HELD)


class OrderInvoices:
    """Has documents made out for orders."""

    def __init__(self, invoices: Invoices, payments: Payments) -> None:
        self.invoices = invoices
        self._payments = payments

    async def carry_invoice(self, order: Order, effect: Effect) -> None:
        """An order is paid, or money of it went back: it gets what it lacks. While nothing is known to have gone back
        the payment is not asked."""
        sold = sold_of(order)
        if sold is not None and order.payment_version:
            await self.invoices.issue(sold, lambda: self._refunds(order))
        elif sold is not None:
            await self.invoices.first(sold)

    async def of(self, order: Order) -> list[Invoice]:
        """All documents of the order; what it lacks is made out first, and nothing of an order that cost nothing."""
        sold = sold_of(order)
        return [] if sold is None else await self.invoices.issue(sold, lambda: self._refunds(order))

    async def _refunds(self, order: Order) -> Sequence[Refunded]:
        record = await self._payments.record(order.id)
        return msgspec.convert(record.refunds, tuple[Refunded, ...]) if record is not None else ()


async def seller_of(selling: Collection[Selling], name: Callable[[], Awaitable[str]]) -> tuple[Seller | None, str]:
    """Who sells now, and what the shop is called."""
    known = await selling.get(ID)
    return (None if known is None else known.seller), await name()


def sold_of(order: Order) -> Sold | None:
    """What is told of a paid order; None for one that is not, or of which nothing was to be paid: without
    a consideration there is nothing to be invoiced (Directive 2006/112/EC, Art. 2)."""
    if order.stage not in PAID or not order.total_minor or order.payment_id is None:
        return None
    sale, paid_at = order.sale, _paid_at(order)
    return Sold(
        order_id=order.id,
        payment_id=order.payment_id,
        items=order.items,
        total_minor=order.total_minor,
        currency=order.currency,
        paid_at=paid_at,
        parts=sale.parts if sale is not None else None,
        email=sale.email if sale is not None else "",
        billing=sale.billing if sale is not None else None,
        destination=sale.destination if sale is not None else None,
        supplied_at=paid_at if all(item.is_digital for item in order.items) else None,
        locale=order.locale if order.locale in LOCALES else LOCALES[0],
        order_number=order.number,
    )


def _paid_at(order: Order) -> Millis:
    return next((entry.at for entry in order.audit if entry.what in _PAID_BY), order.updated_at)
