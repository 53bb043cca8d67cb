"""Fulfilling: what staff and buyers do with the goods of an order that is paid. What becomes of its parcels is reckoned
by `sending` and `returning`, and stored with the order, if nobody else has changed it since."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from kassa.contracts.inventory import Line
from kassa.contracts.parcels import TooManyParcels
from kassa.contracts.parts import Address
from kassa.kit import inputs
from kassa.kit.access import Permission
from kassa.kit.audit import Cause
from kassa.kit.identity import Principal
from kassa.kit.wire import request_id
from kassa.order import returning, sending
from kassa.order.carriers import page_of
from kassa.order.domain import Input, Kind, Order
from kassa.order.machine import MACHINE
from kassa.order.parcels import Parcels, Return, ReturnState, Shipment
from kassa.order.quoting import Quoting
from kassa.order.sending import MOST_ACTS, MOST_ACTS_OF_BUYERS
from kassa.order.service import OrderService

WORK = Permission.WRITE_PARCELS
_KINDS = {
    ReturnState.APPROVED: Kind.RETURN_APPROVED,
    ReturnState.DECLINED: Kind.RETURN_DECLINED,
    ReturnState.RECEIVED: Kind.RETURN_RECEIVED,
    ReturnState.CLOSED: Kind.RETURN_CLOSED,
}


class _Act(NamedTuple):
    """One thing that is done to an order: what, under which id, what its parcels are afterwards, which of them it is
    about; where it goes then, which of a return's pieces go back on the shelf."""

    kind: Kind
    input_id: str
    parcels: Parcels
    why: str = ""
    destination: Address | None = None
    return_id: str = ""
    shelved: tuple[Line, ...] = ()


class Fulfilling:
    """Each of its methods may be asked again, and changes nothing then. NotFound for an order that is not the
    buyer's."""

    def __init__(self, orders: OrderService, quoting: Quoting) -> None:
        self._orders = orders
        self._quoting = quoting

    async def ship(
        self, order_id: str, shipment: Shipment, wanted: Sequence[Line], number: int | None, who: Principal
    ) -> Order:
        """Send so many pieces, or all that is left; under the shipment's id. NotShippable, HeldBack, TooManyToSend,
        ShipmentFixed, TooManyParcels, Invalid."""

        def act(order: Order) -> _Act:
            to = order.sale.destination if order.sale is not None else None
            page = shipment.tracking_url or page_of(shipment.carrier, shipment.tracking_number, to)
            followed = msgspec.structs.replace(shipment, tracking_url=page, sent_at=self._orders.now())
            after = sending.with_shipment(order, followed, wanted, number)
            carrier = f" with {shipment.carrier}" if shipment.carrier else ""
            why = f"parcel {after.shipments[-1].number}{carrier}"
            return _Act(Kind.SHIPPED, inputs.shipment(shipment.id, "sent"), after, why)

        return await self._do(order_id, who, act)

    async def delivered(self, order_id: str, number: int, who: Principal) -> Order:
        """A shipment has come to the buyer. ShipmentFixed, NotFound."""

        def act(order: Order) -> _Act:
            input_id = inputs.shipment(sending.shipment_of(order, number).id, "delivered")
            after = sending.with_delivered(order, number, self._orders.now())
            return _Act(Kind.DELIVERED, input_id, after, f"parcel {number}")

        return await self._do(order_id, who, act)

    async def cancel(self, order_id: str, number: int, who: Principal) -> Order:
        """A shipment was noted by mistake. ShipmentFixed, NotFound."""

        def act(order: Order) -> _Act:
            input_id = inputs.shipment(sending.shipment_of(order, number).id, "cancelled")
            after = sending.with_cancelled(order, number, self._orders.now())
            return _Act(Kind.SHIPMENT_CANCELLED, input_id, after, f"parcel {number}")

        return await self._do(order_id, who, act)

    async def hold(self, order_id: str, why: str, who: Principal) -> Order:
        """Send nothing until it is released. NotShippable."""

        def act(order: Order) -> _Act:
            after = sending.with_hold(order, why, self._orders.now())
            return _Act(Kind.HELD_BACK, inputs.by_hand("hold", order.version), after)

        return await self._do(order_id, who, act)

    async def release(self, order_id: str, who: Principal) -> Order:
        """Send it again. NotShippable."""

        def act(order: Order) -> _Act:
            return _Act(Kind.LET_GO, inputs.by_hand("release", order.version), sending.without_hold(order))

        return await self._do(order_id, who, act)

    async def redirect(self, order_id: str, to: Address, who: Principal) -> Order:
        """Send it to another address: by staff; by its buyer where that costs the same. DestinationFixed."""
        selling = None if who.may(WORK) else (await self._quoting.selling())[0]

        def act(order: Order) -> _Act:
            goes_elsewhere = sending.check_redirection(order, to, selling)
            input_id = inputs.by_hand("redirect", order.version)
            return _Act(Kind.REDIRECTED, input_id, order.sending, destination=to if goes_elsewhere else None)

        return await self._do(order_id, who, act)

    async def ask_back(self, order_id: str, asked: Return, who: Principal) -> Order:
        """Ask for goods to be taken back: staff for anybody, buyers for what is theirs. NotReturnable,
        TooManyToReturn, TooManyParcels, Invalid."""
        is_by_staff = who.may(WORK)
        state = ReturnState.APPROVED if is_by_staff else ReturnState.REQUESTED

        def act(order: Order) -> _Act:
            now = self._orders.now()
            wanted = msgspec.structs.replace(asked, is_by_staff=is_by_staff, state=state, asked_at=now, updated_at=now)
            after = returning.with_return(order, wanted)
            why = f"return {after.returns[-1].number}"
            return _Act(Kind.RETURN_REQUESTED, inputs.goods_back(asked.id, "asked"), after, why)

        return await self._do(order_id, who, act)

    async def move_return(
        self,
        order_id: str,
        number: int,
        to: ReturnState,
        who: Principal,
        answer: str = "",
        shelved: Sequence[Line] = (),
    ) -> Order:
        """Approve, decline, receive or close a return; pieces that are received may go back on the shelf. ReturnFixed,
        NotFound, Invalid."""

        def act(order: Order) -> _Act:
            return_id = returning.return_of(order, number).id
            after = returning.with_state(order, number, to, self._orders.now(), answer, shelved)
            kind = Kind.RETURN_SHELVED if shelved else _KINDS[to]
            back = (return_id, tuple(shelved)) if shelved else ("", ())
            return _Act(kind, inputs.goods_back(return_id, to), after, f"return {number}", None, *back)

        return await self._do(order_id, who, act)

    async def _do(self, order_id: str, who: Principal, act: Callable[[Order], _Act]) -> Order:
        """Do it to the order as it is when it is stored."""
        order = await self._orders.visible(order_id, who, WORK)

        def after(current: Order) -> Order:
            done = act(current)
            if done.parcels is current.sending and done.destination is None:
                return current
            if len(current.audit) >= (MOST_ACTS if who.may(WORK) else MOST_ACTS_OF_BUYERS):
                raise TooManyParcels("the order was changed by hand as often as it may be")
            news = Input(
                done.kind,
                Cause(done.input_id, who.id, done.why, request_id.get()),
                parcels=done.parcels,
                destination=done.destination,
                refund_id=done.return_id,
                items=done.shelved,
            )
            return MACHINE.after(current, news, self._orders.now())

        return await self._orders.outbox.advance(order.id, after) or order
