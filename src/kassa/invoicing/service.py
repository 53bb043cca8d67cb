"""Makes out invoices and credit notes, and finds them."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence

from kassa.contracts.invoicing import Invoice, Refunded, Sheet, Sold
from kassa.invoicing.domain import wanted
from kassa.invoicing.register import Register
from kassa.kit.clock import Clock, Millis
from kassa.kit.documents import Between, Where
from kassa.kit.figures import Figures
from kassa.kit.inputs import document_place
from kassa.kit.lists import Pagination, Paging, listed
from kassa.kit.problem import NotFound

MOST = 1000
"""Documents of one order: more than it can have refunds and what came of them."""
_NUMBER = re.compile(r"[0-9]{4}-[0-9]{7,12}")
AT_ONCE = 1
"""PDFs that are made at a time, others wait: to make more at once saves no time, and takes more from all others."""


class InvoiceService:
    """Satisfies contracts.invoicing.Invoices."""

    def __init__(self, register: Register, clock: Clock) -> None:
        self.register = register
        self.store = register.store
        self._figures = Figures(clock)
        self._printing = asyncio.Semaphore(AT_ONCE)

    async def first(self, sold: Sold) -> None:
        """See contracts.invoicing.Invoices."""
        await self.register.enter(wanted(sold, (), ()))

    async def issue(self, sold: Sold, refunds: Callable[[], Awaitable[Sequence[Refunded]]]) -> list[Invoice]:
        """See contracts.invoicing.Invoices."""
        while True:
            # What a killed process has entered, and not stored, is not lacking.
            await self.register.settle()
            known = await self.of_order(sold.order_id)
            # One after the other: each is reckoned from what was entered before it.
            lacking = wanted(sold, await refunds(), known)[:1]
            if not lacking:
                return known
            await self.register.enter(lacking)

    async def of_order(self, order_id: str) -> list[Invoice]:
        """See contracts.invoicing.Invoices."""
        where: Where = {"place": Between(document_place(order_id, 1)[:-1], f"{order_id}/")}
        found = await self.store.invoices.find(where, limit=MOST, order="oldest")
        return sorted(found, key=lambda each: int(each.place.rpartition(".")[2]))

    async def get(self, number: str) -> Invoice:
        """See contracts.invoicing.Invoices."""
        found = await self.store.invoices.get(number) if _NUMBER.fullmatch(number) else None
        if found is None and _NUMBER.fullmatch(number):
            await self.register.settle()
            found = await self.store.invoices.get(number)
        if found is None:
            raise NotFound(f"there is no invoice {number[:64]}")
        return found

    async def page(
        self, asked: Paging, since: Millis | None, before: Millis | None
    ) -> tuple[list[Invoice], Pagination]:
        """See contracts.invoicing.Invoices."""
        await self.register.settle()
        where: Where = {} if since is None and before is None else {"issued_at": Between(since, before)}
        return await listed(self.store.invoices, where, asked, self._figures)

    def sheet(self, invoice: Invoice) -> Sheet:
        """See contracts.invoicing.Invoices."""
        from kassa.invoicing.sheet import sheet_of  # Babel takes a moment, where nobody asks.

        return sheet_of(invoice)

    async def pdf(self, invoice: Invoice) -> bytes:
        """See contracts.invoicing.Invoices."""
        from kassa.invoicing.pdf import rendered  # Nobody needs it who prints nothing.

        async with self._printing:
            return await asyncio.to_thread(rendered, self.sheet(invoice))
