"""What buyers are written about their orders: who is written to, and what is said."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from kassa.contracts.auth import Contact
from kassa.contracts.mail import ANY, LOCALES, Mail, MailRefused, Mails
from kassa.contracts.payment import Payments
from kassa.kit.audit import Cause
from kassa.kit.clock import DAY, Clock, Millis
from kassa.kit.effects import Effect
from kassa.kit.money import major
from kassa.kit.outbox import Step
from kassa.kit.problem import NotFound, Unavailable
from kassa.kit.wire import request_id
from kassa.order.domain import Input, Kind, Order, Todo
from kassa.order.effects import NAME
from kassa.order.guests import GuestTokens
from kassa.order.machine import MACHINE, is_guest
from kassa.order.parcels import Shipment
from kassa.order.wire import shown
from kassa.order.withdrawals_wire import said_of
from kassa.order.withdrawing import withdrawal_of

TRIED_FOR: Millis = 3 * DAY
"""After this time a mail that cannot be sent is given up: it would say what is long past."""


class OrderMails:
    """Writes to buyers. `contact_of` tells how to write to an account, `site` is where browsers find the shop, which
    may offer a page for withdrawing."""

    def __init__(
        self,
        mails: Mails,
        contact_of: Callable[[str], Awaitable[Contact]],
        payments: Payments,
        guests: GuestTokens,
        clock: Clock,
        site: str,
        *,
        offers_withdrawing: bool = True,
    ) -> None:
        self._mails = mails
        self._contact_of = contact_of
        self._payments = payments
        self._guests = guests
        self._clock = clock
        self._site = site.rstrip("/")
        self._offers_withdrawing = offers_withdrawing

    async def write(self, order: Order, effect: Effect) -> Step[Order] | None:
        """Write what the effect is named after. Nobody is written to who is forgotten; what is refused, or cannot be
        sent for days, is given up."""
        shipment = _shipment(order, effect)
        to = await self.contact(order)
        if to is None or (shipment is not None and shipment.cancelled_at is not None):
            return None
        says = {"order": msgspec.to_builtins(shown(order)), "link": self._link(order)}
        if shipment is not None:
            says["shipment"] = _said(shipment, order)
        if effect.kind == Todo.MAIL_REFUNDED:
            says["refunded"] = await self._refunded(order)
        if effect.kind == Todo.MAIL_WITHDRAWN:
            says["withdrawal"] = said_of(order, withdrawal_of(order, int(effect.args["withdrawal"])))
        if self._offers_withdrawing and order.days_to_withdraw:
            says["withdraw"] = f"{self._site}/shop/withdraw?order={order.id}"
        locale = to.locale if order.locale == ANY else order.locale
        since = int(effect.args["since"])
        kind = f"order_{effect.kind.removeprefix('mail_')}"
        mail = Mail(effect.id, order.id, kind, to.email, locale or LOCALES[0], since, says)
        try:
            await self._mails.send(mail)
        except MailRefused as refused:
            return self._given_up(effect, refused.detail)
        except Unavailable:
            if self._clock.now() - since < TRIED_FOR:
                raise
            return self._given_up(effect, "the mail server could not be reached for days")
        return None

    async def contact(self, order: Order) -> Contact | None:
        """Whom to write to: the address that the order has, or else its account's."""
        given = order.sale.email if order.sale is not None else ""
        if given and (order.locale != ANY or is_guest(order.user_id)):
            return Contact(given, "", "", is_verified=False)
        if is_guest(order.user_id):
            return None
        try:
            contact = await self._contact_of(order.user_id)
        except NotFound:
            return None
        return msgspec.structs.replace(contact, email=given) if given else contact

    async def _refunded(self, order: Order) -> str:
        """What is back by now, in major units."""
        record = await self._payments.record(order.id)
        refunds = record.refunds if record is not None else []
        done = sum(each["amountMinor"] for each in refunds if each["status"] == "succeeded")
        return str(major(done, order.currency))

    def _link(self, order: Order) -> str:
        """The order's page; a guest's with the token that opens it, as long as that can be told."""
        if not is_guest(order.user_id):
            return f"{self._site}/account/orders/{order.id}"
        token = self._guests.token_of(order.id, order.user_id)
        return f"{self._site}/shop/orders/{order.id}/{token}" if token else f"{self._site}/shop/orders/{order.id}"

    def _given_up(self, effect: Effect, why: str) -> Step[Order]:
        news = Input(Kind.NOT_WRITTEN, Cause(effect.id, NAME, f"{effect.kind}: {why}"[:300], request_id.get()))
        return lambda order: MACHINE.after(order, news, self._clock.now())


def _shipment(order: Order, effect: Effect) -> Shipment | None:
    number = effect.args.get("shipment", "")
    return next((each for each in order.sending.shipments if str(each.number) == number), None)


def _said(shipment: Shipment, order: Order) -> dict[str, Any]:
    """What is in a parcel, by name, and where it is followed."""
    names = {item.product_id: item.name for item in order.items}
    return {
        "items": [{"name": names.get(line.product_id, ""), "quantity": line.quantity} for line in shipment.lines],
        "carrier": shipment.carrier,
        "trackingNumber": shipment.tracking_number,
        "trackingUrl": shipment.tracking_url,
    }
