"""The order service: places, cancels, confirms; carries out what follows from each change."""

from collections.abc import Sequence

import msgspec

from kassa.contracts.inventory import InsufficientStock, Inventory, Line, ReservationEnded, UnknownStock
from kassa.contracts.order import (
    OrderForPayment,
    OrderItem,
    OrderNotCancellable,
    OrderRecords,
    OverQuantityLimit,
    PriceChanged,
    RefundNews,
    StatusChange,
    WantedPage,
    WantedReservation,
)
from kassa.contracts.payment import Payments
from kassa.contracts.product import Product, UnknownProduct
from kassa.kit import inputs
from kassa.kit.access import Permission
from kassa.kit.audit import Cause, TimelineEntry
from kassa.kit.clock import MINUTE, Clock, Millis
from kassa.kit.documents import Duplicate, pages
from kassa.kit.figures import Figures
from kassa.kit.idempotency import Abandoned
from kassa.kit.identity import Principal
from kassa.kit.ids import ORDER, is_id
from kassa.kit.money import InvalidMoney, chargeable
from kassa.kit.outbox import Outbox, Step
from kassa.kit.problem import Forbidden, Invalid, NotFound
from kassa.kit.wire import request_id
from kassa.order import personal
from kassa.order.domain import Input, Kind, Order, Reason, Stage, Todo, merged, pieces_of, total_minor
from kassa.order.machine import MACHINE, placed
from kassa.order.places import Places
from kassa.order.store import OrderStore
from kassa.order.timeline import timeline
from kassa.order.told import buyers_timeline
from kassa.order.wanted import wanted_of, wanted_since

_NEWS = {"CONFIRMED": Kind.PAID, "CANCELLED": Kind.ENDED, "DECLINED": Kind.CLOSE}


class OrderService:
    """Satisfies contracts.order.Orders. `ttl_minutes` is how long an unpaid order holds its stock."""

    def __init__(
        self,
        store: OrderStore,
        outbox: Outbox[Order],
        product: Product,
        inventory: Inventory,
        payments: Payments,
        places: Places,
        clock: Clock,
        currency: str,
        ttl_minutes: int,
    ) -> None:
        self.orders = store.orders
        self.figures = Figures(clock)
        self.outbox = outbox
        self._product = product
        self._inventory = inventory
        self._payments = payments
        self._places = places
        self._clock = clock
        self.currency = currency
        self._ttl = ttl_minutes * MINUTE

    # Placing and cancelling

    async def place(
        self,
        order_id: str,
        user_id: str,
        lines: Sequence[Line],
        expected_minor: int | None = None,
        household: str = "",
        *,
        is_new: bool = False,
    ) -> Order:
        """Place an order under this id: prices are read once, all items are held or none.

        `expected_minor` is the total that the buyer has seen, `household` where the buyer is, if known. Asked again
        with the same id it goes on where it stopped; `is_new`: the id was just made, so nobody can have asked with it.
        After a refusal (routes.py names them) nothing is held.
        """
        known = None if is_new else await self.orders.get(order_id)
        if known is not None:
            return self._made(known)
        wanted = merged(lines)
        items = await self._priced(wanted)
        self._check_total(items, expected_minor)
        await self._check_pieces(wanted)
        place = await self._places.take(order_id, user_id, household, pieces_of(wanted))
        try:
            await self._hold(order_id, wanted)
        except (InsufficientStock, Abandoned):
            await self._places.free(place.id if place else "", order_id)
            raise
        cause = Cause(order_id, user_id, "placed", request_id.get())
        order = placed(order_id, user_id, items, self.currency, self._ttl, cause, self._clock.now())
        if place is not None:
            order = msgspec.structs.replace(order, place=place.id, address=place.address)
        try:
            return await self.outbox.insert(order)
        except Duplicate:
            # Another try with the same id was faster, or the rescue of orphans was.
            return self._made(await self.get(order_id))

    async def cancel(self, order_id: str, who: Principal) -> tuple[Order, bool]:
        """Cancel for its owner or for staff. Returns the order and whether that is settled already: if not,
        Stripe could not be asked for now and it goes on by itself. OrderNotCancellable: paid, or being paid."""
        may_cancel = who.may(Permission.CANCEL_ORDERS)
        order = await self.visible(order_id, who, Permission.CANCEL_ORDERS if may_cancel else Permission.READ_ORDERS)
        mine = order.user_id == who.id
        if not mine and not may_cancel:
            raise Forbidden.without(Permission.CANCEL_ORDERS)
        if order.stage is Stage.PENDING:
            reason = Reason.CANCELLED_BY_BUYER if mine else Reason.CANCELLED_BY_OPERATOR
            order = await self._close(order_id, who.id, reason) or order
        if order.stage is Stage.CANCELLED:
            return order, True
        if order.stage is Stage.CLOSING and _is_open(order, Todo.CLOSE_PAYMENT):
            return order, False
        raise OrderNotCancellable(f"the order is {order.status} and paid, or its payment is under way")

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
            return await buyers_timeline(order, self._payments)
        return await timeline(order, self._payments, self._inventory)

    # What the payment service calls (contracts.order.Orders)

    async def for_payment(self, order_id: str) -> OrderForPayment:
        """See contracts.order.Orders."""
        order = await self.get(order_id)
        return OrderForPayment(
            id=order.id,
            user_id=order.user_id,
            items=list(order.items),
            total_minor=order.total_minor,
            currency=order.currency,
            status=order.status,
            is_payable=order.stage is Stage.PENDING and order.expires_at > self._clock.now(),
            expires_at=order.expires_at,
        )

    async def set_status(self, order_id: str, change: StatusChange) -> None:
        """See contracts.order.Orders."""
        kind = Kind.CLOSE if change.session_is_open else _NEWS[change.status]
        reason = Reason.NONE if kind is Kind.PAID else _reason(change.reason)
        cause = Cause(change.input_id, "payment-service", change.reason, request_id.get())
        payment_id = change.payment_id if kind is Kind.PAID else None
        await self._hear(order_id, Input(kind, cause, reason, payment_id))

    async def note_refund(self, order_id: str, news: RefundNews) -> None:
        """See contracts.order.Orders."""
        kind = Kind.FULLY_REFUNDED if news.is_full else Kind.PARTLY_REFUNDED
        cause = Cause(news.input_id, "payment-service", news.status or kind, request_id.get())
        refunded = Input(kind, cause, payment_version=news.version)
        because = msgspec.structs.replace(cause, id=inputs.goods(news.input_id))
        returned = Input(Kind.RETURNED, because, refund_id=news.refund_id, items=tuple(news.items))
        await self._hear(order_id, refunded, *([returned] if news.restock or news.items else []))

    async def reservations_since(self, since: int, after: str) -> WantedPage:
        """See contracts.order.Orders."""
        return await wanted_since(self.orders, since, after)

    async def reservations_of(self, ids: list[str]) -> list[WantedReservation]:
        """See contracts.order.Orders."""
        return await wanted_of(self.orders, ids)

    # What auth asks for a customer (contracts.order.Orders)

    async def records_of(self, user_id: str, after: str) -> OrderRecords:
        """See contracts.order.Orders."""
        return await personal.records(self.orders, user_id, after, self._payments)

    async def erase_of(self, user_id: str) -> None:
        """See contracts.order.Orders."""
        async for page in pages(self.orders, {"user_id": user_id}, size=100):
            for order in page:
                if order.stage is Stage.PENDING:
                    await self._close(order.id, user_id, Reason.CANCELLED_BY_BUYER)
                await self._payments.erase(order.id)

    async def buyers_among(self, user_ids: list[str]) -> list[str]:
        """See contracts.order.Orders."""
        return await personal.buyers_among(self.orders, user_ids)

    # Inside

    async def _close(self, order_id: str, who: str, reason: Reason) -> Order | None:
        news = Input(Kind.CLOSE, Cause(inputs.cancel(order_id), who, reason, request_id.get()), reason)
        return await self.outbox.see_through(order_id, self._after(news))

    async def _priced(self, lines: Sequence[Line]) -> tuple[OrderItem, ...]:
        ids = [line.product_id for line in lines]
        known = {snapshot.id: snapshot for snapshot in await self._product.snapshot(ids)}
        for product_id in ids:
            if product_id not in known or known[product_id].currency != self.currency:
                raise UnknownProduct(product_id)
        return tuple(
            OrderItem(line.product_id, known[line.product_id].name, line.quantity, known[line.product_id].price_minor)
            for line in lines
        )

    def _check_total(self, items: tuple[OrderItem, ...], expected_minor: int | None) -> None:
        total = total_minor(items)
        try:
            chargeable(total, self.currency, self._clock.now())
        except InvalidMoney as error:
            raise Invalid.field("totalAmount", str(error)) from error
        if expected_minor not in (None, total):
            raise PriceChanged(expected_minor, total, self.currency, items)

    async def _check_pieces(self, wanted: Sequence[Line]) -> None:
        """OverQuantityLimit for more of a product than an order may have; InsufficientStock where there are not as many
        anyway, also if it is more than a buyer may have in all (places.py)."""
        limits = self._places.limits
        over = [line.product_id for line in wanted if line.quantity > limits.pieces]
        if not over and (limits.in_all is None or pieces_of(wanted) <= limits.in_all):
            return
        levels = await self._inventory.levels([line.product_id for line in wanted])
        available = {each.product_id: each.available for each in levels}
        for line in wanted:
            if line.quantity > (there := available.get(line.product_id, 0)):
                raise InsufficientStock(line.product_id, line.quantity, there)
        if over:
            raise OverQuantityLimit(over[0], limits.pieces)

    async def _hold(self, order_id: str, lines: Sequence[Line]) -> None:
        try:
            await self._inventory.reserve(inputs.reservation_of(order_id, 1), list(lines))
        except UnknownStock as unknown:
            product_id = str(unknown.members["productId"])
            asked = next(line.quantity for line in lines if line.product_id == product_id)
            raise InsufficientStock(product_id, asked, 0) from unknown
        except ReservationEnded as ended:
            raise Abandoned("the order was given up in the meantime; try again") from ended

    def _made(self, order: Order) -> Order:
        if order.stage is Stage.FAILED:
            raise Abandoned("the order was given up in the meantime; try again")
        return order

    async def _hear(self, order_id: str, *news: Input) -> None:
        if not is_id(ORDER, order_id) or await self.outbox.advance(order_id, self._after(*news)) is None:
            raise NotFound(f"there is no order {order_id[:64]}")

    def _after(self, *news: Input) -> Step[Order]:
        def after(order: Order) -> Order:
            for each in news:
                order = MACHINE.after(order, each, self._clock.now())
            return order

        return after


def _is_open(order: Order, kind: Todo) -> bool:
    return any(effect.kind == kind and effect.done_at is None for effect in order.effects)


def _reason(text: str) -> Reason:
    return Reason(text) if text in Reason.__members__.values() else Reason.PAYMENT_FAILED
