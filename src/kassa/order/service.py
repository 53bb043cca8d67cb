"""The order service: places, cancels, confirms; carries out what follows from each change."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from kassa.contracts.auth import Contact
from kassa.contracts.inventory import Inventory, Line
from kassa.contracts.invoicing import Invoices
from kassa.contracts.mail import Mails
from kassa.contracts.order import (
    OrderForPayment,
    OrderNotCancellable,
    OrderRecords,
    RefundNews,
    StatusChange,
    WantedPage,
    WantedReservation,
)
from kassa.contracts.parcels import Aside
from kassa.contracts.payment import Payments
from kassa.contracts.withdrawals import DEFAULT_DAYS
from kassa.kit import inputs
from kassa.kit.access import Permission
from kassa.kit.audit import Cause, TimelineEntry
from kassa.kit.clock import Clock, Millis
from kassa.kit.documents import change, pages
from kassa.kit.figures import Figures
from kassa.kit.idempotency import KEPT, Idempotency
from kassa.kit.identity import Principal, guest
from kassa.kit.ids import ORDER, is_id
from kassa.kit.outbox import Outbox, Step
from kassa.kit.problem import Forbidden, NotFound
from kassa.kit.text import counted
from kassa.kit.wire import request_id
from kassa.order import personal
from kassa.order.domain import Input, Kind, Order, Reason, Stage, Todo, pieces_of
from kassa.order.machine import MACHINE
from kassa.order.owing import for_refunds
from kassa.order.places import Places
from kassa.order.placing import PLAIN, Placing
from kassa.order.quoting import Asked, Quoting
from kassa.order.store import OrderStore
from kassa.order.timeline import timeline, with_names
from kassa.order.told import buyers_timeline
from kassa.order.wanted import wanted_of, wanted_since

_NEWS = {"CONFIRMED": Kind.PAID, "CANCELLED": Kind.ENDED, "DECLINED": Kind.CLOSE}


class OrderService:
    """Satisfies contracts.order.Orders. `ttl_minutes` is how long an unpaid order holds its stock,
    `answers` are those that idempotency keys have been given, `mails` is by what buyers are written to, if they are;
    they have `withdrawal_days` to withdraw. `invoices` are told with the rest to whoever asks what is stored."""

    def __init__(
        self,
        store: OrderStore,
        outbox: Outbox[Order],
        quoting: Quoting,
        inventory: Inventory,
        payments: Payments,
        places: Places,
        clock: Clock,
        ttl_minutes: int,
        answers: Idempotency | None = None,
        mails: Mails | None = None,
        withdrawal_days: int = DEFAULT_DAYS,
        invoices: Invoices | None = None,
    ) -> None:
        self.orders = store.orders
        self.figures = Figures(clock)
        self.outbox = outbox
        self._inventory = inventory
        self.payments = payments
        self._clock = clock
        self._answers = answers
        self.currency = quoting.currency
        needed = (store, outbox, inventory, quoting, places, clock, ttl_minutes)
        self._placing = Placing(*needed, writes=mails is not None, withdrawal_days=withdrawal_days)
        self._mails = mails
        self.contact_of: Callable[[str], Awaitable[Contact]] | None = None
        self._invoices = invoices

    # Placing and cancelling

    async def place(
        self,
        order_id: str,
        user_id: str,
        lines: Sequence[Line],
        asked: Asked = PLAIN,
        household: str = "",
        *,
        is_guest: bool = False,
        is_new: bool = False,
        goes_on: bool = False,
    ) -> Order:
        """Place an order under this id: prices are read once, all items are held or none.

        `asked` is what the buyer wants besides goods, `household` where the buyer is, if known. Asked again with the
        same id it goes on where it stopped; `is_new`: the id was just made, so nobody can have asked with it;
        `goes_on`: somebody may have, and did not come to an end: where discounts are counted that begins anew, with
        Abandoned. After a refusal (routes.py names them) nothing is held.
        """
        asking = (order_id, user_id, lines, asked, household)
        return await self._placing.place(*asking, is_guest=is_guest, is_new=is_new, goes_on=goes_on)

    async def cancel(self, order_id: str, who: Principal) -> tuple[Order, bool]:
        """Cancel for its owner or for staff, who can do so also where nothing was to be paid: its goods come back.
        Returns the order and whether that is settled already: if not, Stripe could not be asked for now and it goes on
        by itself. OrderNotCancellable: paid, or being paid."""
        may_cancel = who.may(Permission.CANCEL_ORDERS)
        order = await self.visible(order_id, who, Permission.CANCEL_ORDERS if may_cancel else Permission.READ_ORDERS)
        mine = order.user_id == who.id
        if not mine and not may_cancel:
            raise Forbidden.without(Permission.CANCEL_ORDERS)
        if order.stage is Stage.PENDING:
            reason = Reason.CANCELLED_BY_BUYER if mine else Reason.CANCELLED_BY_OPERATOR
            order = await self._close(order_id, who.id, reason) or order
        if may_cancel and order.stage is Stage.CONFIRMED and not order.total_minor:
            order = await self._call_off(order_id, who.id) or order
        if order.stage in (Stage.CANCELLED, Stage.REVOKED):
            return order, True
        if order.stage is Stage.CLOSING and _is_open(order, Todo.CLOSE_PAYMENT):
            return order, False
        raise OrderNotCancellable(_why_not(order))

    async def claim(self, order_id: str, who: Principal, token: str) -> Order:
        """Make a guest's order the user's, who shows its token; one that is the user's already stays so. NotFound."""
        order = await self.get(order_id)
        if order.user_id not in (who.id, guest(token).id):
            raise NotFound(f"there is no order {order_id[:64]}")
        return await self.outbox.see_through(order_id, self._after(_claimed(order_id, who.id, "claimed"))) or order

    # Reading

    def now(self) -> Millis:
        """The time, by this service's clock."""
        return self._clock.now()

    async def get(self, order_id: str) -> Order:
        """The order; NotFound if there is none by this id."""
        order = await self.orders.get(order_id) if is_id(ORDER, order_id) else None
        if order is None:
            raise NotFound(f"there is no order {order_id[:64]}")
        return order

    async def visible(self, order_id: str, who: Principal, permission: Permission = Permission.READ_ORDERS) -> Order:
        """The order, if it is the user's own or the user has this permission; NotFound else."""
        order = await self.get(order_id)
        if order.user_id != who.id and not who.may(permission):
            raise NotFound(f"there is no order {order_id[:64]}")
        return order

    async def timeline(self, order_id: str, who: Principal) -> list[TimelineEntry]:
        """Everything that happened to the order, for staff; for its owner what concerns them."""
        order = await self.visible(order_id, who)
        if not who.may(Permission.READ_ORDERS):
            return await buyers_timeline(order, self.payments)
        entries = await timeline(order, self.payments, self._inventory)
        return entries if self.contact_of is None else await with_names(entries, order.user_id, self.contact_of)

    # What the payment service calls (contracts.order.Orders)

    async def for_payment(self, order_id: str) -> OrderForPayment:
        """See contracts.order.Orders."""
        return for_refunds(await self.get(order_id), self._clock.now())

    async def set_status(self, order_id: str, change: StatusChange) -> None:
        """See contracts.order.Orders."""
        kind = Kind.CLOSE if change.session_is_open else _NEWS[change.status]
        reason = Reason.NONE if kind is Kind.PAID else _reason(change.reason)
        cause = Cause(change.input_id, "payment-service", change.reason, request_id.get())
        payment_id = change.payment_id if kind is Kind.PAID else None
        await self._hear(order_id, Input(kind, cause, reason, payment_id, tax=change.tax))

    async def note_refund(self, order_id: str, news: RefundNews) -> None:
        """See contracts.order.Orders."""
        kind = Kind.FULLY_REFUNDED if news.is_full else Kind.PARTLY_REFUNDED
        cause = Cause(news.input_id, "payment-service", news.status or kind, request_id.get())
        refunded = Input(
            kind,
            cause,
            payment_version=news.version,
            by_amount_minor=news.by_amount_minor,
            shipping_minor=news.shipping_minor,
            back_minor=news.back_minor,
        )
        because = msgspec.structs.replace(cause, id=inputs.goods(news.input_id))
        returned = Input(Kind.RETURNED, because, refund_id=news.refund_id, items=tuple(news.items))
        await self._hear(order_id, refunded, *([returned] if news.restock or news.items else []))

    async def set_aside(self, order_id: str, refund_id: str, aside: Aside) -> None:
        """See contracts.order.Orders."""
        cause = Cause(
            inputs.aside(refund_id), "payment-service", counted(pieces_of(aside.items), "piece"), request_id.get()
        )
        news = Input(Kind.SET_ASIDE, cause, refund_id=refund_id, aside=aside)
        await self._hear(order_id, news)

    async def set_free(self, order_id: str, refund_id: str, shelved: list[Line]) -> None:
        """See contracts.order.Orders."""
        cause = Cause(inputs.free(refund_id), "payment-service", "", request_id.get())
        await self._hear(order_id, Input(Kind.SET_FREE, cause, refund_id=refund_id, items=tuple(shelved)))

    async def reservations_since(self, since: int, after: str) -> WantedPage:
        """See contracts.order.Orders."""
        return await wanted_since(self.orders, since, after)

    async def reservations_of(self, ids: list[str]) -> list[WantedReservation]:
        """See contracts.order.Orders."""
        return await wanted_of(self.orders, ids)

    # What auth asks for a customer (contracts.order.Orders)

    async def records_of(self, user_id: str, after: str) -> OrderRecords:
        """See contracts.order.Orders."""
        return await personal.records(self.orders, {"user_id": user_id}, after, self.payments, self._invoices)

    async def erase_of(self, user_id: str) -> None:
        """See contracts.order.Orders."""
        async for page in pages(self.orders, {"user_id": user_id}, size=100):
            for order in page:
                await self._forget(order)

    async def records_of_guests(self, email: str, after: str) -> OrderRecords:
        """See contracts.order.Orders."""
        return await personal.records(self.orders, personal.of_address(email), after, self.payments, self._invoices)

    async def erase_guests(self, email: str) -> None:
        """See contracts.order.Orders."""
        async for order in personal.of_guests(self.orders, email):
            await self._forget(order)

    async def claim_of(self, email: str, user_id: str) -> None:
        """See contracts.order.Orders."""
        async for order in personal.of_guests(self.orders, email):
            await self.outbox.advance(order.id, self._after(_claimed(order.id, user_id, "address verified")))

    async def buyers_among(self, user_ids: list[str]) -> list[str]:
        """See contracts.order.Orders."""
        return await personal.buyers_among(self.orders, user_ids)

    # Inside

    async def _forget(self, order: Order) -> None:
        """Forget what names the buyer of an order, which is cancelled if it is not paid."""
        if order.stage is Stage.PENDING:
            await self._close(order.id, order.user_id, Reason.CANCELLED_BY_BUYER)
        await self.payments.erase(order.id)
        if self._mails is not None:
            await self._mails.forget(order.id)
        if order.sale is not None or order.parcels:
            await change(self.orders, order.id, personal.forgotten)
            if self._answers is not None and order.updated_at > self._clock.now() - KEPT:
                await self._answers.forget(order.id)

    async def _close(self, order_id: str, who: str, reason: Reason) -> Order | None:
        news = Input(Kind.CLOSE, Cause(inputs.cancel(order_id), who, reason, request_id.get()), reason)
        return await self.outbox.see_through(order_id, self._after(news))

    async def _call_off(self, order_id: str, who: str) -> Order | None:
        reason = Reason.CANCELLED_BY_OPERATOR
        news = Input(Kind.CALLED_OFF, Cause(inputs.cancel(order_id), who, reason, request_id.get()), reason)
        return await self.outbox.see_through(order_id, self._after(news))

    async def _hear(self, order_id: str, *news: Input) -> None:
        if not is_id(ORDER, order_id) or await self.outbox.advance(order_id, self._after(*news)) is None:
            raise NotFound(f"there is no order {order_id[:64]}")

    def _after(self, *news: Input) -> Step[Order]:
        def after(order: Order) -> Order:
            for each in news:
                order = MACHINE.after(order, each, self._clock.now())
            return order

        return after


def _why_not(order: Order) -> str:
    if order.total_minor or order.stage is not Stage.CONFIRMED:
        return f"the order is {order.status} and paid, or its payment is under way"
    if any(order.sending.sent.values()):
        return "some of the order was sent: it can come back as a return"
    return "the order is CONFIRMED, and nothing was to be paid: ask the shop to call it off"


def _claimed(order_id: str, user_id: str, why: str) -> Input:
    return Input(Kind.CLAIMED, Cause(inputs.claim(order_id), user_id, why, request_id.get()), user_id=user_id)


def _is_open(order: Order, kind: Todo) -> bool:
    return any(effect.kind == kind and effect.done_at is None for effect in order.effects)


def _reason(text: str) -> Reason:
    return Reason(text) if text in Reason.__members__.values() else Reason.PAYMENT_FAILED
