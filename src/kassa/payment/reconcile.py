"""Reconciliation: what webhooks did not tell is asked for. Nothing here knows more than the webhooks' own paths."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec

from kassa.kit.audit import Cause
from kassa.kit.clock import DAY, MINUTE, SECOND, Clock, Millis
from kassa.kit.documents import Duplicate, In, change
from kassa.payment.disputes import observed as disputed
from kassa.payment.domain import Kind, Payment, Stage, kind_of
from kassa.payment.inbox import HANDLED, Inbox
from kassa.payment.processor import EventState, Processor, Refused
from kassa.payment.refunds import observed
from kassa.payment.service import PaymentService
from kassa.payment.store import Cursor, PaymentStore

CURSOR = "missed-events"
# Events may be listed a little later than they are dated.
OVERLAP: Millis = 15 * MINUTE
# Stripe keeps events for 30 days (docs: api/events/list).
OLDEST: Millis = 29 * DAY
PAGE = 100


class Difference(msgspec.Struct, frozen=True):
    """Something that Stripe and Kassa do not agree on: what, where, and whether it was mended."""

    subject: str
    text: str
    is_mended: bool


class Reconciler:
    """Compares payments with Stripe and mends the differences."""

    def __init__(
        self, store: PaymentStore, service: PaymentService, inbox: Inbox, processor: Processor, clock: Clock
    ) -> None:
        self._cursors = store.cursors
        self._payments = store.payments
        self._service = service
        self._inbox = inbox
        self._processor = processor
        self._clock = clock
        self._decoder = msgspec.json.Decoder(EventState)

    def jobs(self) -> list[tuple[str, Millis, Callable[[], Awaitable[Any]]]]:
        """What is to be done regularly: name, every so often (ms), how."""
        return [("fetch missed events", 5 * MINUTE, self.fetch_missed_events)]

    async def fetch_missed_events(self, *, fix: bool = True) -> list[Difference]:
        """Take in the events that never came, or only tell them. How far was fetched is told by Stripe's clock, and
        noted only after a full walk."""
        cursor = await self._cursors.get(CURSOR)
        since = cursor.fetched_until - OVERLAP if cursor else self._clock.now() - OLDEST
        newest = cursor.fetched_until if cursor else since
        missed = []
        after: str | None = None
        while True:
            page, after = await self._processor.events(list(HANDLED), since, after)
            events = [(self._decoder.decode(body), body) for body in page]
            known = {each.id for each in await self._inbox.events.many([event.id for event, _ in events])}
            for event, body in events:
                newest = max(newest, event.created * SECOND)
                if event.id not in known and (not fix or await self._take_in(event, body)):
                    missed.append(Difference(event.id, f"{event.type} had never come", is_mended=fix))
            if after is None:
                break
        if fix:
            await self._move_cursor(cursor, newest)
        return missed

    async def compare(self, *, fix: bool) -> list[Difference]:
        """Look up at Stripe every payment that is not settled, the refunds of every one that is, and all disputes."""
        differences = []
        open_stages = In((Stage.INITIATED, Stage.PROCESSING))
        async for payment in self._walk({"stage": open_stages}):
            differences += await self._compare_session(payment, fix=fix)
        async for payment in self._walk({"stage": In((Stage.SUCCESS, Stage.FAILED))}):
            if payment.taken_minor > 0:
                differences += await self._compare_refunds(payment, fix=fix)
        return differences + await self._compare_disputes(fix=fix)

    async def _walk(self, where: dict[str, In]) -> AsyncIterator[Payment]:
        after: str | None = None
        while page := await self._payments.find(where, limit=PAGE, after=after, order="oldest"):
            for payment in page:
                yield payment
            after = page[-1].id

    async def _compare_session(self, payment: Payment, *, fix: bool) -> list[Difference]:
        try:
            session = await self._processor.session(str(payment.session_id))
        except Refused as refused:
            return [Difference(payment.order_id, f"its session is not at Stripe: {refused}", is_mended=False)]
        kind = kind_of(payment, session)
        as_known = {Stage.INITIATED: Kind.OPENED, Stage.PROCESSING: Kind.PROCESSING}
        if as_known[payment.stage] is kind:
            return []
        if fix:
            await self._service.settle(payment.id, session, f"reconcile:{payment.version}", "reconciliation")
            await self._service.outbox.settle()
        return [Difference(payment.order_id, f"the payment is {payment.stage}, at Stripe it is {kind}", is_mended=fix)]

    async def _compare_refunds(self, payment: Payment, *, fix: bool) -> list[Difference]:
        if payment.intent_id is None:
            return []
        differences = []
        for state in await self._processor.refunds(payment.intent_id):
            cause_id = f"reconcile:{state.id}:{state.status}"
            seen = observed(payment, state, Cause(cause_id, "reconciliation"), self._clock.now())
            if seen is payment:
                continue
            if fix:
                await self._service.refunding.observe(payment.id, state, cause_id)
                await self._service.outbox.settle()
            text = f"refund {state.id} is {state.status} at Stripe"
            differences.append(Difference(payment.order_id, text, is_mended=fix))
        return differences

    async def _compare_disputes(self, *, fix: bool) -> list[Difference]:
        differences = []
        after: str | None = None
        while True:
            page, after = await self._processor.disputes(after)
            for state in page:
                payment = await self._payments.first({"intent_id": state.intent_id}) if state.intent_id else None
                if payment is None:
                    continue  # Of another shop at the same account.
                cause_id = f"reconcile:{state.id}:{state.status}"
                if disputed(payment, state, Cause(cause_id, "reconciliation"), self._clock.now()) is payment:
                    continue
                if fix:
                    await self._service.observe_dispute(payment.id, state, cause_id)
                text = f"dispute {state.id} is {state.status} at Stripe"
                differences.append(Difference(payment.order_id, text, is_mended=fix))
            if after is None:
                return differences

    async def _take_in(self, event: EventState, body: bytes) -> bool:
        if await self._inbox.store(event, body) is None:
            return False  # it came just now
        await self._inbox.replay(event.id)
        return True

    async def _move_cursor(self, cursor: Cursor | None, until: Millis) -> None:
        if cursor is None:
            try:
                await self._cursors.insert(Cursor(id=CURSOR, fetched_until=until))
            except Duplicate:
                return  # another process has walked at the same time
            return
        await change(self._cursors, CURSOR, lambda known: msgspec.structs.replace(known, fetched_until=until))
