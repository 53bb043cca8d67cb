"""Placing: prices are read once, and all that the order needs is held, or nothing is."""

from collections.abc import Sequence

import msgspec

from kassa.contracts.inventory import InsufficientStock, Inventory, Line, ReservationEnded, UnknownStock
from kassa.contracts.mail import ANY
from kassa.contracts.order import DiscountUsedUp, OverQuantityLimit, PriceChanged
from kassa.contracts.parts import DiscountPart
from kassa.contracts.withdrawals import DEFAULT_DAYS
from kassa.kit import inputs
from kassa.kit.audit import Cause
from kassa.kit.clock import MINUTE, Clock
from kassa.kit.documents import Duplicate
from kassa.kit.idempotency import Abandoned
from kassa.kit.ids import DISCOUNT, is_id
from kassa.kit.outbox import Outbox
from kassa.kit.problem import Problem, Unavailable
from kassa.kit.wire import request_id
from kassa.order.discounts import Discount
from kassa.order.domain import Order, Stage, merged, pieces_of, uses_of
from kassa.order.machine import never_placed, placed
from kassa.order.places import OF_GUESTS, Places
from kassa.order.quote_wire import quote_shown
from kassa.order.quoting import Asked, Quote, Quoting, buyer_of
from kassa.order.store import OrderStore, Place

PLAIN = Asked()


class Placing:
    """Places orders. `ttl_minutes` is how long an unpaid order holds its stock; `writes`: buyers get mails; they have
    `withdrawal_days` to withdraw."""

    def __init__(
        self,
        store: OrderStore,
        outbox: Outbox[Order],
        inventory: Inventory,
        quoting: Quoting,
        places: Places,
        clock: Clock,
        ttl_minutes: int,
        *,
        writes: bool = False,
        withdrawal_days: int = DEFAULT_DAYS,
    ) -> None:
        self._orders = store.orders
        self._outbox = outbox
        self._inventory = inventory
        self._quoting = quoting
        self._places = places
        self._numbers = store.numbers
        self._clock = clock
        self._ttl = ttl_minutes * MINUTE
        self._writes = writes
        self._withdrawal_days = withdrawal_days

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
        """See OrderService.place."""
        known = None if is_new else await self._orders.get(order_id)
        if known is not None:
            return _made(known)
        wanted = merged(lines)
        if goes_on and await self._quoting.counts_uses(asked):
            return await self._given_up(order_id, user_id, wanted)
        quote = await self._quoted(wanted, asked)
        await self._check_pieces(wanted)
        buyer = f"{OF_GUESTS}{buyer_of(asked.email)}" if is_guest else user_id
        place = await self._places.take(order_id, buyer, household, pieces_of(wanted))
        try:
            quote = await self._held(order_id, user_id, wanted, quote, asked)
        except (InsufficientStock, DiscountUsedUp, PriceChanged, Abandoned):
            await self._places.free(place.id if place else "", order_id)
            raise
        locale = (asked.locale or ANY) if self._writes else ""
        return await self._stored(order_id, user_id, quote, place, locale)

    async def _given_up(self, order_id: str, user_id: str, wanted: Sequence[Line]) -> Order:
        """An earlier try may have held uses of other discounts than those of now, and only it knew which: what it holds
        is released, by the order that was never placed. Abandoned; the order, if that try has made it after all."""
        items = await self._quoting.items(wanted)
        cause, now = Cause(order_id, user_id, "its making was interrupted", request_id.get()), self._clock.now()
        failed = never_placed(order_id, items, self._quoting.currency, now, cause, now)
        return _made(await self._outbox.carry_out(await self._inserted(failed)))

    async def _inserted(self, order: Order) -> Order:
        """The order as it is stored. Another try with the same id may be faster, or the rescue of orphans."""
        try:
            return await self._outbox.insert(order)
        except Duplicate as duplicate:
            known = await self._orders.get(order.id)
            if known is None:
                raise Unavailable("the order could not be stored; try again") from duplicate
            return known

    async def _held(self, order_id: str, user_id: str, wanted: Sequence[Line], quote: Quote, asked: Asked) -> Quote:
        """All that is quoted, held. What applies by itself and is used up is left out, if the total may be another."""
        without: frozenset[str] = frozenset()
        while True:
            try:
                quote = await self._with_uses(order_id, quote, asked.buyer or buyer_of(user_id))
                await self._hold(order_id, wanted, quote)
            except (InsufficientStock, DiscountUsedUp, Abandoned) as refusal:
                await self._free_uses(order_id, quote)
                if not isinstance(refusal, DiscountUsedUp):
                    raise
                without |= self._quoting.left_out(quote, refusal)
                quote = await self._quoted(wanted, asked, without)
            else:
                return quote

    async def _stored(self, order_id: str, user_id: str, quote: Quote, place: Place | None, locale: str) -> Order:
        cause, now = Cause(order_id, user_id, "placed", request_id.get()), self._clock.now()
        made = (order_id, user_id, quote.items, quote.currency, self._ttl, cause, now, quote.sale, locale)
        order = placed(*made, self._withdrawal_days, await self._numbers.take())
        if place is not None:
            order = msgspec.structs.replace(order, place=place.id, address=place.address)
        order = _made(await self._inserted(order))
        if order.stage is Stage.CONFIRMED:
            await self._outbox.carry_out(order)
        return order

    async def _quoted(self, wanted: Sequence[Line], asked: Asked, without: frozenset[str] = frozenset()) -> Quote:
        quote = await self._quoting.quote(wanted, asked, without)
        if quote.sale is not None:
            selling, _ = await self._quoting.selling()
            self._quoting.check_complete(quote, selling, asked)
        self._quoting.check_total(quote)
        if asked.expected_minor not in (None, quote.total_minor):
            raise PriceChanged(asked.expected_minor, quote.total_minor, quote.currency, quote.items, quote_shown(quote))
        return quote

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

    async def _with_uses(self, order_id: str, quote: Quote, buyer: str) -> Quote:
        """The quote with the names of the uses that are taken of discounts each buyer may have so many of."""
        limited = {each.id: each for each in quote.discounts if each.limit_per_buyer is not None}
        if not limited or quote.sale is None:
            return quote
        parts = quote.sale.parts
        taken: list[DiscountPart] = []
        for part in parts.discounts:
            discount = limited.get(part.discount_id)
            try:
                use = await self._quoting.uses.take(discount, buyer, order_id) if discount else ""
            except DiscountUsedUp:
                for other in taken:
                    await self._quoting.uses.free(other.use, order_id)
                raise
            taken.append(msgspec.structs.replace(part, use=use))
        parts = msgspec.structs.replace(parts, discounts=tuple(taken))
        return quote._replace(sale=msgspec.structs.replace(quote.sale, parts=parts))

    async def _free_uses(self, order_id: str, quote: Quote) -> None:
        for part in quote.parts.discounts if quote.parts else ():
            if part.use:
                await self._quoting.uses.free(part.use, order_id)

    async def _hold(self, order_id: str, lines: Sequence[Line], quote: Quote) -> None:
        uses = uses_of(quote.parts) if quote.parts else []
        try:
            await self._inventory.reserve(inputs.reservation_of(order_id, 1), [*lines, *uses])
        except UnknownStock as unknown:
            product_id = str(unknown.members["productId"])
            if is_id(DISCOUNT, product_id):
                raise Unavailable("the discount is just being made; try again") from unknown
            asked = next(line.quantity for line in lines if line.product_id == product_id)
            raise InsufficientStock(product_id, asked, 0) from unknown
        except InsufficientStock as lacking:
            raise _used_up(lacking, quote.discounts) or lacking from lacking
        except ReservationEnded as ended:
            raise Abandoned("the order was given up in the meantime; try again") from ended


def _used_up(lacking: InsufficientStock, discounts: Sequence[Discount]) -> Problem | None:
    """What a buyer is told if it is no goods that lack."""
    found = next((each for each in discounts if each.id == lacking.members["productId"]), None)
    return None if found is None else DiscountUsedUp(found.code or found.name, found.id)


def _made(order: Order) -> Order:
    if order.stage is Stage.FAILED:
        raise Abandoned("the order was given up in the meantime; try again")
    return order
