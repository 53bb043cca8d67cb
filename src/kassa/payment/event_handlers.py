"""What is done about each type of Stripe's events. An event is a hint: what it speaks of is fetched, and its absolute
state applied, so that duplicates, order and delay do not matter."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from kassa.contracts.payment import StripeUnreachable, TooManyRefunds
from kassa.kit.clock import from_unix
from kassa.kit.effects import has_seen
from kassa.kit.problem import NotFound
from kassa.payment.domain import Decline, Payment
from kassa.payment.events import EventObject, EventState, PaymentError
from kassa.payment.metadata import other_shop, payment_named
from kassa.payment.processor import PATHS, Processor, Refused
from kassa.payment.service import PaymentService
from kassa.payment.unclaimed import Unclaimed

PAID_EVENTS = ("checkout.session.completed", "checkout.session.async_payment_succeeded")
ACCOUNT_PREFIX = "acct_"
MOST_ATTEMPTS = 8
"""So often an event waits for its payment, about ten minutes: a payment is stored before Stripe hears of it."""


Looked: TypeAlias = dict[tuple[str, str], str]
"""What was looked at in one go through events, the newest first, and whose payment it was. All events of one object ask
for one look; the refunds of one PaymentIntent, which may be a thousand, are looked at together."""


class NotOurs(Exception):
    """The event is about nothing of this shop; the text says why."""


class EventHandlers:
    """Acts on events for a payment service."""

    def __init__(self, service: PaymentService, processor: Processor, unclaimed: Unclaimed) -> None:
        self._service = service
        self._processor = processor
        self._unclaimed = unclaimed
        self._account = ""
        """Our account at Stripe, once an event has named one and Stripe was asked."""

    async def act_on(self, event: EventState, attempts: int, looked: Looked | None = None) -> str:
        """Act on an event of a type in EVENT_HANDLERS, for the first time or again, by itself or in one go with others;
        returns the id of the payment that it was about. NotOurs; NotFound: its payment is not there, but may be."""
        payment = None
        try:
            subject = await self._subject(event)
            about = _about(event, subject)
            if looked is not None and about in looked:
                return looked[about]
            payment = await self._payment(subject, attempts)
            if payment is None:
                await self._look_for_money(event.kind, subject)
                raise NotOurs("of no payment that this shop knows")
            if looked is None:
                await EVENT_HANDLERS[event.kind](self, payment, subject, event)
            else:
                await self._look(payment, subject, event)
                looked[about] = payment.id
        except TooManyRefunds:
            if looked is not None and payment is not None:
                looked[about] = payment.id  # One event tells of it; it is no use to look again for each.
            raise
        except Refused as refused:
            # Of a payment that is known here it may come back: the key is another account's, perhaps.
            if payment is None and refused.is_gone:
                raise NotOurs(f"its object is not at Stripe: {refused.message}") from refused
            raise
        return payment.id

    async def _look(self, payment: Payment, subject: EventObject, event: EventState) -> None:
        """Act on the event for all of the same object."""
        handler = EVENT_HANDLERS[event.kind]
        if handler is EventHandlers.observe_refund and subject.intent_id is not None:
            handler = EventHandlers.observe_refunds
        await handler(self, payment, subject, event)

    async def _subject(self, event: EventState) -> EventObject:
        """What the event is about: what it shows of it, or what Stripe does. NotOurs: it is another account's."""
        is_known = not event.account or await self._is_our_account(event.account)
        if is_known and not event.is_thin:
            return event.object
        if event.object.object not in PATHS or not event.object.id:
            raise NotOurs("it names no object that Kassa knows")
        try:
            return await self._processor.retrieve(event.object.object, event.object.id)
        except Refused as refused:
            if refused.is_gone and not is_known:
                raise NotOurs(f"of account {event.account}") from refused
            raise

    async def _is_our_account(self, named: str) -> bool:
        """Whether it is the account of our key; False if that cannot be told, and then the event's object tells: our
        key reads those of its own account alone (docs: connect/authentication). NotOurs."""
        if not self._account:
            self._account = await self._processor.account_id() or ""
        if self._account and named != self._account and named.startswith(ACCOUNT_PREFIX):
            raise NotOurs(f"of account {named}")
        return named == self._account

    async def _look_for_money(self, kind: str, subject: EventObject) -> None:
        """Of this account and of no payment: money that no order knows, or some of that which was given back."""
        if kind in PAID_EVENTS:
            await self._unclaimed.look_at(subject.id)
        elif subject.intent_id is not None:
            await self._unclaimed.refresh_of(subject.intent_id)

    async def settle_session(self, payment: Payment, subject: EventObject, event: EventState) -> None:
        """The session was paid, or has ended."""
        session = await self._processor.session(subject.id)
        await self._service.settle(payment.id, session, event.id)

    async def note_decline(self, payment: Payment, subject: EventObject, event: EventState) -> None:
        """A card was declined."""
        if payment.session_id is None:
            raise StripeUnreachable("its session is not known yet")
        if has_seen(payment, event.id):
            return
        error = subject.last_payment_error or PaymentError()
        code = (error.decline_code or error.code or "declined")[:100]
        decline = Decline(from_unix(event.created), code, (error.message or "The card was declined.")[:500])
        # One decline may be told by two events, one of them thin; its charge is the same.
        input_id = error.charge or event.id
        await self._service.note_decline(payment.id, payment.session_id, decline, input_id)

    async def observe_refund(self, payment: Payment, subject: EventObject, event: EventState) -> None:
        """A refund was made, or has changed."""
        _check_paid(payment)
        state = await self._processor.refund_state(subject.id)
        await self._service.refunding.observe(payment.id, [state], event.id)

    async def observe_refunds(self, payment: Payment, subject: EventObject, event: EventState) -> None:
        """Some of a charge was refunded: the payment's own, or of money that came a second time."""
        _check_paid(payment)
        states = await self._processor.refunds(str(subject.intent_id or payment.intent_id))
        await self._service.refunding.observe(payment.id, states[::-1], event.id)  # the newest is listed first

    async def observe_dispute(self, payment: Payment, subject: EventObject, event: EventState) -> None:
        """A dispute was opened, or has changed."""
        _check_paid(payment)
        state = await self._processor.dispute_state(subject.id)
        await self._service.observe_disputes(payment.id, [state], event.id)

    async def _payment(self, subject: EventObject, attempts: int) -> Payment | None:
        """The payment that an object belongs to: by our metadata, by its session, or by its PaymentIntent. NotOurs,
        NotFound."""
        payments = self._service.payments
        self._check_shop(subject)
        if payment_named(subject.metadata):
            return await self._named(subject, attempts)
        if subject.object == "checkout.session":
            return await payments.first({"session_id": subject.id})
        if not (intent_id := subject.intent_id):
            return None
        if (payment := await payments.first({"intent_id": intent_id})) is not None:
            return payment
        # A dispute and a refund of Stripe's dashboard carry no metadata, and may be told of before the money is: only
        # the PaymentIntent says then whose it is.
        try:
            intent = await self._processor.retrieve("payment_intent", intent_id)
        except Refused as refused:
            if refused.is_gone:
                return None
            raise
        self._check_shop(intent)
        return await self._named(intent, attempts) if payment_named(intent.metadata) else None

    def _check_shop(self, subject: EventObject) -> None:
        if (other := other_shop(subject.metadata, self._service.shop_id)) is not None:
            raise NotOurs(f"of another shop at this account ({other[:64]})")

    async def _named(self, subject: EventObject, attempts: int) -> Payment | None:
        """The payment that an object names. One that is not there is waited for, but not for ever: it is of a Kassa
        whose objects do not name their shop yet, or it was lost with a restored backup."""
        payment_id = str(payment_named(subject.metadata))
        # What a session says is applied to the payment as it is stored, by compare-and-set.
        is_session = subject.object == "checkout.session"
        payments = self._service.outbox.recent
        payment = await (payments.lately(payment_id) if is_session else self._service.payments.get(payment_id))
        if payment is None and attempts < MOST_ATTEMPTS:
            raise NotFound(f"its payment {payment_id[:64]} is not known yet")
        return payment


def _check_paid(payment: Payment) -> None:
    if payment.taken_minor == 0:
        raise StripeUnreachable("that its money had come is not known yet")


_Handler: TypeAlias = Callable[[EventHandlers, Payment, EventObject, EventState], Awaitable[None]]

EVENT_HANDLERS: Mapping[str, _Handler] = {
    "checkout.session.completed": EventHandlers.settle_session,
    "checkout.session.expired": EventHandlers.settle_session,
    "checkout.session.async_payment_succeeded": EventHandlers.settle_session,
    "checkout.session.async_payment_failed": EventHandlers.settle_session,
    "payment_intent.payment_failed": EventHandlers.note_decline,
    "refund.created": EventHandlers.observe_refund,
    "refund.updated": EventHandlers.observe_refund,
    "refund.failed": EventHandlers.observe_refund,
    # Some accounts are sent this one alone (docs: refunds, "Receive refund events").
    "charge.refund.updated": EventHandlers.observe_refund,
    "charge.refunded": EventHandlers.observe_refunds,
    "charge.dispute.created": EventHandlers.observe_dispute,
    "charge.dispute.updated": EventHandlers.observe_dispute,
    "charge.dispute.funds_withdrawn": EventHandlers.observe_dispute,
    "charge.dispute.funds_reinstated": EventHandlers.observe_dispute,
    "charge.dispute.closed": EventHandlers.observe_dispute,
}
"""Each type of event that is acted on, and what is done; the endpoint at Stripe needs these types."""

HANDLED = tuple(EVENT_HANDLERS)


def _about(event: EventState, subject: EventObject) -> tuple[str, str]:
    """What an event asks to be looked at; only a decline is told by its event itself."""
    handler = EVENT_HANDLERS.get(event.kind)
    if handler is None or handler is EventHandlers.note_decline:
        return event.kind, event.id
    if handler in (EventHandlers.observe_refund, EventHandlers.observe_refunds) and subject.intent_id is not None:
        return "refunds", subject.intent_id
    return handler.__name__, subject.id
