"""Reconciliation: what webhooks did not tell is asked for. Nothing here knows more than the webhooks' own paths."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeAlias, TypeVar

import msgspec
import structlog

from kassa.contracts.payment import StripeKeyRefused, TooManyRefunds
from kassa.kit import inputs
from kassa.kit.audit import Comparison, Finding, Told, nobody_told
from kassa.kit.clock import DAY, HOUR, MINUTE, Clock, Millis, from_unix
from kassa.kit.documents import Duplicate, In, change, pages
from kassa.kit.machine import InvariantBroken
from kassa.payment import disputes, refund_states
from kassa.payment.debts import NOT_UNDER_WAY, is_forgotten, owing
from kassa.payment.domain import Kind, Payment, Stage
from kassa.payment.earlier_debts import TAKEN, EarlierDebts
from kassa.payment.event_handlers import HANDLED, Looked
from kassa.payment.events import EventState, read_event
from kassa.payment.inbox import Inbox
from kassa.payment.machine import kind_of
from kassa.payment.metadata import other_shop
from kassa.payment.processor import DisputeState, Processor, RefundState, Refused
from kassa.payment.service import PaymentService
from kassa.payment.store import Cursor, PaymentStore
from kassa.payment.unclaimed import MORE, MOST_TOLD, OPEN, Unclaimed, in_words

CURSOR = "missed-events"
# Events may be listed a little later than they are dated.
OVERLAP: Millis = 15 * MINUTE
# Stripe keeps events for 30 days (docs: api/events/list).
OLDEST: Millis = 29 * DAY
PAGE = 100
AT_STRIPE = (Stage.INITIATED, Stage.PROCESSING)
STRIPE_EVENTS = "Stripe's events"
LATELY: Millis = 7 * DAY
"""What the regular comparison looks at; the events tell of what is older."""

log = structlog.get_logger()

T = TypeVar("T")
S = TypeVar("S", RefundState, DisputeState)
Ask: TypeAlias = Callable[[str | None], Awaitable[tuple[list[T], str | None]]]
"""Asks for a page of a list at Stripe, the first or the one behind a cursor; returns it and the next cursor, if any."""
NewsOf: TypeAlias = Callable[[Payment, Sequence[S]], list[S]]
Observe: TypeAlias = Callable[[str, Sequence[S], str], Awaitable[None]]


class Reconciler:
    """Compares payments with Stripe and mends the differences."""

    def __init__(
        self,
        store: PaymentStore,
        service: PaymentService,
        inbox: Inbox,
        unclaimed: Unclaimed,
        processor: Processor,
        clock: Clock,
    ) -> None:
        self._cursors = store.cursors
        self._earlier = EarlierDebts(store, service, clock)
        self._payments = store.payments
        self._service = service
        self._inbox = inbox
        self._unclaimed = unclaimed
        self._processor = processor
        self._clock = clock

    def jobs(self) -> list[tuple[str, Millis, Callable[[], Awaitable[Any]]]]:
        """What is to be done regularly: name, every so often (ms), how."""
        return [
            ("fetch missed events", 5 * MINUTE, self._fetch_regularly),
            ("compare with Stripe", 6 * HOUR, self._compare_lately),
            ("look for what earlier versions gave up", MINUTE, self._earlier.look),
        ]

    async def fetch_missed_events(self, *, fix: bool = True, told: Told = nobody_told) -> Comparison:
        """Take in the events that never came, or only tell them. How far was fetched is told by Stripe's clock, and
        noted only after a full walk."""
        return await _unless_refused(STRIPE_EVENTS, self._fetch_missed_events(fix=fix, told=told))

    async def _fetch_missed_events(self, *, fix: bool, told: Told) -> Comparison:
        cursor = await self._cursors.get(CURSOR)
        since = cursor.fetched_until - OVERLAP if cursor else self._clock.now() - OLDEST
        newest = cursor.fetched_until if cursor else since
        looked_at, missed, looked = 0, [], Looked()
        async for page in _pages(partial(self._processor.events, list(HANDLED), since)):
            events = [read_event(body) for body in page]
            known = {each.id for each in await self._inbox.events.many([event.id for event in events])}
            looked_at += len(events)
            told(STRIPE_EVENTS, looked_at, None)
            for event in events:
                newest = max(newest, from_unix(event.created))
                if event.id not in known and (not fix or await self._take_in(event, looked)):
                    missed.append(Finding(event.id, f"{event.type} had never come", is_mended=fix))
        if fix:
            await self._move_cursor(cursor, newest)
        return Comparison(STRIPE_EVENTS, looked_at, missed)

    async def compare(self, *, fix: bool, since: Millis = 0, told: Told = nobody_told) -> list[Comparison]:
        """Look up at Stripe every payment that is not settled, compare the refunds, the disputes and the money since
        then (ms) with what Stripe says, and tell what is owed back. A part that the key may not ask for is told, and
        the others go on."""
        session, debt = partial(self._compare_session, fix=fix), partial(self._compare_debts, fix=fix)
        unsettled, owed = "payments that are not settled", "money that is owed back"
        sessions = await _unless_refused(unsettled, self._compare_payments(unsettled, AT_STRIPE, session, told))
        told("refunds, disputes and paid sessions", 0, None)
        return [
            sessions,
            *await self._compare_since(since, fix=fix),
            await _unless_refused(owed, self._compare_payments(owed, TAKEN, debt, told)),
        ]

    async def _compare_since(self, since: Millis, *, fix: bool) -> list[Comparison]:
        return [
            await _unless_refused("refunds", self._compare_refunds(fix=fix, since=since)),
            await _unless_refused("disputes", self._compare_disputes(fix=fix, since=since)),
            await _unless_refused("paid sessions", self._compare_money(since)),
        ]

    async def _fetch_regularly(self) -> None:
        missed = await self.fetch_missed_events()
        count = sum(finding.is_mended for finding in missed.findings)
        if count:
            log.warning("events came by no webhook", count=count)
        _log(Comparison(missed.name, missed.looked_at, [each for each in missed.findings if not each.is_mended]))

    async def _compare_lately(self) -> None:
        """Payments that are not settled are looked up by timers of their own."""
        for comparison in await self._compare_since(self._clock.now() - LATELY, fix=True):
            _log(comparison)

    async def _compare_money(self, since: Millis) -> Comparison:
        """Paid sessions with the payments. What no payment knows is put on the list of unclaimed money, where an
        operator sees to it; nothing else is done about it."""
        looked_at = 0
        async for page in _pages(partial(self._processor.sessions_since, max(since, self._clock.now() - OLDEST))):
            looked_at += len(page)
            for session in await self._unclaimed.of(page):
                await self._unclaimed.take(session)
        left = await self._unclaimed.refresh_newest()
        found = [Finding(money.id, in_words(money), is_mended=False) for money in left[:MOST_TOLD]]
        if more := await self._unclaimed.money.count({"status": OPEN}) - len(found):
            found.append(Finding(f"{more} more", MORE, is_mended=False))
        return Comparison("paid sessions", looked_at, found)

    async def _compare_payments(
        self, name: str, stages: tuple[Stage, ...], compare: Callable[[Payment], Awaitable[list[Finding]]], told: Told
    ) -> Comparison:
        looked_at, found, total = 0, [], await self._payments.count({"stage": In(stages)})
        for stage in stages:  # of each alone an index has them in order: of several all would be sorted for every page
            async for page in pages(self._payments, {"stage": stage.value}, PAGE):
                for payment in page:
                    found += await compare(payment)
                    told(name, looked_at := looked_at + 1, total)
        return Comparison(name, looked_at, found)

    async def _compare_session(self, payment: Payment, *, fix: bool) -> list[Finding]:
        try:
            session = await self._processor.session(str(payment.session_id))
        except Refused as refused:
            return [Finding(payment.order_id, f"its session is not at Stripe: {refused}", is_mended=False)]
        kind = kind_of(payment, session)
        as_known = {Stage.INITIATED: Kind.OPENED, Stage.PROCESSING: Kind.PROCESSING}
        if as_known[payment.stage] is kind:
            return []
        if fix:
            await self._service.settle(payment.id, session, inputs.compared(payment.version), "reconciliation")
            await self._service.outbox.settle()
        return [Finding(payment.order_id, f"the payment is {payment.stage}, at Stripe it is {kind}", is_mended=fix)]

    async def _compare_refunds(self, *, fix: bool, since: Millis) -> Comparison:
        ask, observe = partial(self._processor.refunds_since, since), self._service.refunding.observe
        return await self._compare_states("refund", ask, refund_states.news_of, observe, fix=fix)

    async def _compare_disputes(self, *, fix: bool, since: Millis) -> Comparison:
        ask, observe = partial(self._processor.disputes_since, since), self._service.observe_disputes
        return await self._compare_states("dispute", ask, disputes.news_of, observe, fix=fix)

    async def _compare_debts(self, payment: Payment, *, fix: bool) -> list[Finding]:
        """What is owed back and not under way; asked for now if it is to be mended. What is refused needs attention."""
        if not is_forgotten(payment):
            return []
        if fix:
            await self._service.outbox.see_through(payment.id, lambda current: owing(current, self._clock.now()))
        return [Finding(payment.order_id, f"its money is owed back to the buyer: {NOT_UNDER_WAY}", is_mended=fix)]

    async def _compare_states(
        self, word: str, ask: Ask[S], news_of: NewsOf[S], observe: Observe[S], *, fix: bool
    ) -> Comparison:
        """What Stripe lists with what is known, all of a page that is of one payment together."""
        looked_at, found = 0, []
        async for page in _pages(ask):
            looked_at += len(page)
            for intent_id, states in self._by_intent(page).items():
                if (payment := await self._payments.first({"intent_id": intent_id})) is None:
                    continue  # of another shop at the same account
                news = news_of(payment, states)
                left, why = {state.id for state in news}, ""
                if fix and news:
                    why = await self._observed(payment, states, observe)
                    left = {state.id for state in news_of(await self._payments.get(payment.id) or payment, states)}
                for state in news:
                    text = f"{word} {state.id} is {state.status} at Stripe{why if state.id in left else ''}"
                    found.append(Finding(payment.order_id, text, is_mended=state.id not in left))
        return Comparison(f"{word}s", looked_at, found)

    async def _observed(self, payment: Payment, states: list[S], observe: Observe[S]) -> str:
        """Take them in; returns why some were not."""
        try:
            await observe(payment.id, states, inputs.COMPARED)
        except (TooManyRefunds, InvariantBroken) as refusal:
            return f": {refusal}"
        finally:
            await self._service.outbox.settle()
        return ""

    def _by_intent(self, page: list[S]) -> dict[str, list[S]]:
        """Those that may be of this shop, by their PaymentIntents, the oldest first: that one has failed may be why a
        newer one could be made."""
        found: dict[str, list[S]] = {}
        for state in reversed(page):
            is_others = other_shop(getattr(state, "metadata", None), self._service.shop_id) is not None
            if state.intent_id and not is_others:
                found.setdefault(state.intent_id, []).append(state)
        return found

    async def _take_in(self, event: EventState, looked: Looked) -> bool:
        if await self._inbox.store(event, self._clock.now()) is None:
            return False  # it came just now
        await self._inbox.replay(event.id, looked)
        return True

    async def _move_cursor(self, cursor: Cursor | None, until: Millis) -> None:
        if cursor is None:
            try:
                await self._cursors.insert(Cursor(id=CURSOR, fetched_until=until))
            except Duplicate:
                return  # another process has walked at the same time
            return
        await change(self._cursors, CURSOR, lambda known: msgspec.structs.replace(known, fetched_until=until))


async def _pages(ask: Ask[T]) -> AsyncIterator[list[T]]:
    """All pages of a list at Stripe."""
    page, after = await ask(None)
    yield page
    while after is not None:
        page, after = await ask(after)
        yield page


async def _unless_refused(name: str, comparing: Awaitable[Comparison]) -> Comparison:
    """A comparison for which the key lacks a right is one difference, in Stripe's words."""
    try:
        return await comparing
    except StripeKeyRefused as refused:
        return Comparison(name, 0, [Finding("the key", f"may not ask. {refused.detail}", is_mended=False)])


def _log(comparison: Comparison) -> None:
    for finding in comparison.findings:
        report = log.warning if finding.is_mended else log.error
        report("differs from Stripe", what=comparison.name, **msgspec.structs.asdict(finding))
