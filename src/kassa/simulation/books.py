"""The shop's and Stripe's books, read at one moment."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from kassa.app.shop import Shop
from kassa.kit.documents import Collection, D
from kassa.kit.inputs import payment_id_of
from kassa.order.domain import Order, Stage
from kassa.payment.domain import Payment
from kassa.sandbox.errors import Json
from kassa.sandbox.tables import decode

if TYPE_CHECKING:
    from kassa.simulation.stripe import Stripe

PAGE = 500
PAID = (Stage.CONFIRMED, Stage.REFUNDED)
ENDED = (*PAID, Stage.CANCELLED, Stage.FAILED, Stage.REVOKED)
SESSIONS = "SELECT body FROM object WHERE kind = 'checkout.session' AND state = ?"
_REFUNDS = "SELECT body FROM object WHERE kind = 'refund'"
_DISPUTES = "SELECT body FROM object WHERE kind = 'dispute'"


class Books:
    """What is in the shop's and in Stripe's books at one moment."""

    def __init__(self, orders: list[Order], payments: list[Payment], stripe: "Stripe") -> None:
        self.orders = {order.id: order for order in orders}
        self.payments = {payment.order_id: payment for payment in payments}
        self.open = [decode(row[0]) for row in stripe.tx.rows(SESSIONS, "open")]
        self.complete = [decode(row[0]) for row in stripe.tx.rows(SESSIONS, "complete")]
        self.refunds = [decode(row[0]) for row in stripe.tx.rows(_REFUNDS)]
        self.disputes = [decode(row[0]) for row in stripe.tx.rows(_DISPUTES)]

    @property
    def paid(self) -> list[Json]:
        """The sessions whose money Stripe has."""
        return [session for session in self.complete if session["payment_status"] == "paid"]

    def given_back(self, session: Json) -> int:
        """How much of a session's money Stripe has given back, or is about to."""
        return self._sum(self.refunds, session, "succeeded", "pending")

    def left(self, session: Json) -> int:
        """How much of a session's money the shop has: neither given back nor taken back by a dispute."""
        disputed = self._sum(self.disputes, session, "needs_response", "under_review", "lost")
        return int(session["amount_total"]) - self.given_back(session) - disputed

    def may_be_left(self, session: Json, order: Order) -> int:
        """How much of an ended order's money a bank has sent back to the shop, where an operator must see to it."""
        return 0 if order.stage is Stage.REFUNDED else self._sum(self.refunds, session, "failed")

    def with_an_operator(self) -> set[str]:
        """The payments of which the shop has money that has no order, and that the audit must tell of."""
        orders = {each["client_reference_id"]: self.left(each) for each in self.paid}
        return {payment_id_of(order_id) for order_id, left in orders.items()
                if left > 0 and order_id in self.orders and self.orders[order_id].stage not in PAID}  # fmt: skip

    def returned(self) -> set[str]:
        """Those of them whose money a bank has sent back: it is asked again after days."""
        owing, sessions = self.with_an_operator(), {each["client_reference_id"]: each for each in self.paid}
        return {payment_id_of(order_id) for order_id, each in sessions.items() if payment_id_of(order_id) in owing
                and self.left(each) <= self.may_be_left(each, self.orders[order_id])}  # fmt: skip

    def _sum(self, of: list[Json], session: Json, *states: str) -> int:
        same = [each for each in of if each["payment_intent"] == session["payment_intent"]]
        return sum(each["amount"] for each in same if each["status"] in states)

    @classmethod
    async def of(cls, shop: Shop, stripe: "Stripe") -> "Books":
        """Read them."""
        assert shop.order is not None
        assert shop.payment is not None
        orders = [order async for order in everything(shop.order.orders)]
        return cls(orders, [payment async for payment in everything(shop.payment.payments)], stripe)


async def everything(collection: Collection[D]) -> AsyncIterator[D]:
    """All documents, the oldest first."""
    after: str | None = None
    while page := await collection.find({}, limit=PAGE, after=after, order="oldest"):
        for document in page:
            yield document
        after = str(getattr(page[-1], collection.spec.sort))
        await asyncio.sleep(0)
