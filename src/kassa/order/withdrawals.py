"""Withdrawing: what buyers state, with an account or without one, and what staff does about it. What becomes of the
order's parcels is reckoned by `withdrawing`, and stored with the order, if nobody else has changed it since."""

from collections.abc import Awaitable, Callable

import msgspec

from kassa.contracts.auth import Contact
from kassa.contracts.withdrawals import OrderNotFound, WithdrawalsOff
from kassa.kit import inputs
from kassa.kit.audit import Cause
from kassa.kit.clock import day_of
from kassa.kit.identity import Principal
from kassa.kit.money import major
from kassa.kit.problem import Invalid, NotFound
from kassa.kit.wire import request_id
from kassa.order.domain import Input, Kind, Order
from kassa.order.fulfilling import WORK
from kassa.order.machine import MACHINE
from kassa.order.numbers import called
from kassa.order.owing import pieces_shown
from kassa.order.parcels import Parcels, Withdrawal
from kassa.order.service import OrderService
from kassa.order.withdrawing import known, with_closed, with_withdrawal, withdrawal_of

ContactOf = Callable[[Order], Awaitable[Contact | None]]


class Withdrawals:
    """Each of its methods may be asked again, and changes nothing then. `contact_of` tells whom an order is written to,
    `days` how long buyers may withdraw; 0: there is no withdrawing here."""

    def __init__(self, orders: OrderService, contact_of: ContactOf, days: int) -> None:
        self.orders = orders
        self._contact_of = contact_of
        self._days = days

    async def find(self, order_id: str, email: str, who: Principal | None) -> tuple[Order, str]:
        """The order and the address that it is written to: for whoever has its token or account, or knows that address.
        OrderNotFound, whichever of number and address is wrong; Invalid where another address is given."""
        if not self._days:
            raise WithdrawalsOff("the shop does not sell to consumers; write to it")
        try:
            order = await called(self.orders.orders, order_id) or await self.orders.get(order_id)
        except NotFound:
            raise OrderNotFound("look at the mail that confirmed the order") from None
        contact = await self._contact_of(order)
        known_as = contact.email if contact is not None else ""
        is_theirs = who is not None and (order.user_id == who.id or who.may(WORK))
        if email and email == known_as:
            return order, known_as
        if not is_theirs:
            raise OrderNotFound("look at the mail that confirmed the order")
        if email:
            # Else the shop could be made to write to anybody.
            raise Invalid.field("email", "must be the address that the order was made with; leave it out")
        return order, known_as

    def preview(self, order: Order, asked: Withdrawal) -> tuple[Order, Withdrawal]:
        """The order as it would be, and the withdrawal. Refusals as those of `withdraw`."""
        now = self.orders.now()
        after = msgspec.structs.replace(order, parcels=with_withdrawal(order, asked, now))
        return after, _made(after, asked, now)

    async def withdraw(self, order: Order, asked: Withdrawal, by: str) -> tuple[Order, Order, Withdrawal]:
        """Receive the statement: the order as it was, as it is, and the withdrawal. NotWithdrawable,
        WithdrawalPeriodOver, WithdrawalExcluded, TooManyToWithdraw, TooManyParcels, Invalid."""
        before = order

        def act(current: Order) -> tuple[Parcels, str]:
            nonlocal before
            before = current
            after = with_withdrawal(current, asked, self.orders.now())
            return after, "" if after is current.sending else _words(current, after.withdrawals[-1])

        cause = Cause(inputs.withdrawal(asked.id, "received"), by, "", request_id.get())
        after = await self._do(order, Kind.WITHDRAWN, cause, act)
        return before, after, _made(after, asked, self.orders.now())

    async def close(self, order_id: str, number: int, why: str, staff: Principal) -> Order:
        """Nothing more is owed for it, and why. NotFound."""
        order = await self.orders.visible(order_id, staff, WORK)
        cause = Cause(inputs.withdrawal(withdrawal_of(order, number).id, "closed"), staff.id, why, request_id.get())

        def act(current: Order) -> tuple[Parcels, str]:
            return with_closed(current, number, why, self.orders.now()), why

        return await self._do(order, Kind.WITHDRAWAL_CLOSED, cause, act)

    async def _do(self, order: Order, kind: Kind, cause: Cause, act: Callable[[Order], tuple[Parcels, str]]) -> Order:
        def after(current: Order) -> Order:
            parcels, why = act(current)
            if parcels is current.sending:
                return current
            news = Input(kind, msgspec.structs.replace(cause, why=why), parcels=parcels)
            return MACHINE.after(current, news, self.orders.now())

        return await self.orders.outbox.advance(order.id, after) or order


def _made(order: Order, asked: Withdrawal, now: int) -> Withdrawal:
    found = known(order, asked, now)
    assert found is not None
    return found


def _words(order: Order, made: Withdrawal) -> str:
    pieces = pieces_shown(order, {line.product_id: line.quantity for line in made.lines})
    amount = f"{major(made.amount_minor, order.currency)} {order.currency.upper()}"
    due = f"; {amount} to be refunded by {day_of(made.refund_by)}" if made.amount_minor else ""
    return f"withdrawal {made.number}, {pieces}{due}"
