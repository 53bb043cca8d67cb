"""The part of the audit that is about what leaves the shop: mails and events."""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import NamedTuple, Self

from kassa.app.audit_mails import ContactOf, Written
from kassa.app.audit_told import Listened, log_differences, told_differences, waiting_differences
from kassa.app.difference import Difference
from kassa.app.shop import Shop, present
from kassa.contracts.mail import MailsNotKept
from kassa.kit.clock import Millis
from kassa.kit.documents import Collection
from kassa.mail.postmen import Files
from kassa.mail.service import MailService
from kassa.order.domain import Order
from kassa.outgoing.store import EventStore
from kassa.payment.domain import Payment
from kassa.product.domain import Product


class Outgoing(NamedTuple):
    """Where it is kept: the log of events, the products that are told of, the files of mails, if they are put into
    files, and how accounts are written to."""

    events: EventStore
    products: Collection[Product]
    files: Files | None
    contact_of: ContactOf

    @classmethod
    def of(cls, shop: Shop) -> Self:
        """Those of a shop whose order and product services live here."""
        files = None
        if isinstance(shop.mail, MailService):
            with suppress(MailsNotKept):
                files = shop.mail.kept()
        auth, events = present(shop.auth_anywhere, "auth"), present(shop.events, "order").store
        return cls(events, present(shop.aggregates.get("product"), "product"), files, auth.contact)


class Left:
    """What has left, as one reading finds it."""

    def __init__(self, outgoing: Outgoing, listened: Listened, written: Written) -> None:
        self._outgoing = outgoing
        self._listened = listened
        self._written = written

    @classmethod
    async def now(cls, outgoing: Outgoing, now: Millis) -> Self:
        """As it is when the reading begins."""
        written = await Written.now(outgoing.files, outgoing.contact_of, now)
        return cls(outgoing, await Listened.to(outgoing.events), written)

    async def of_orders(self, orders: Sequence[Order]) -> AsyncIterator[Difference]:
        """Where some orders, their mails and their events do not go together."""
        async for difference in self._written.differences(orders):
            yield difference
        async for difference in told_differences(orders, self._listened):
            yield difference

    async def of_payments(self, payments: Sequence[Payment]) -> AsyncIterator[Difference]:
        """Where some payments and their events do not go together."""
        async for difference in told_differences(payments, self._listened):
            yield difference

    async def afterwards(self, orders: Collection[Order], payments: Collection[Payment]) -> AsyncIterator[Difference]:
        """When all orders were looked at: what nobody asked for, or waits."""
        for difference in self._written.unasked():
            yield difference
        async for difference in log_differences(orders, payments, self._listened):
            yield difference
        async for difference in waiting_differences(self._outgoing.products, self._listened):
            yield difference
