"""What an operator has to know though it is no single payment's: webhooks that do not come through,
money that no order knows."""

from typing import Literal

import msgspec

from kassa.kit.clock import DAY, HOUR, Clock, Millis, rfc3339
from kassa.kit.documents import Between
from kassa.kit.text import counted
from kassa.payment.disputes import WANTS_ANSWER
from kassa.payment.key_rights import KeyRights
from kassa.payment.refusal_count import RefusalCount
from kassa.payment.store import WAIT_FOR_THE_KEY, PaymentStore
from kassa.payment.unclaimed import OPEN

LATELY: Millis = HOUR
NEWEST = 20
SOON: Millis = 3 * DAY
MOST_DISPUTED = 1_000
_WEBHOOK_ADVICE = "compare the endpoint at Stripe with this shop: kassa doctor does"
_RIGHT_ADVICE = "give the key this right in Stripe's dashboard, or set a STRIPE_SECRET_KEY that has it"
_KEY_ADVICE = "give the key what kassa doctor says it lacks; the events are tried again by themselves, within the hour"


class Notice(msgspec.Struct, frozen=True, rename="camel"):
    """Something that is wrong, how often it happened, and what to do about it."""

    kind: Literal[
        "webhooks_refused", "webhooks_missing", "rights_missing", "key_refused", "unclaimed_money", "dispute_due"
    ]
    count: int
    text: str
    advice: str


class Notices:
    """Gathers them."""

    def __init__(self, store: PaymentStore, refused: RefusalCount, rights: KeyRights, clock: Clock) -> None:
        self._events = store.events
        self._unclaimed = store.unclaimed
        self._payments = store.payments
        self._refused = refused
        self._rights = rights
        self._clock = clock

    async def all(self) -> list[Notice]:
        """Those that hold now."""
        found = (
            await self._webhooks_refused(),
            await self._webhooks_missing(),
            await self._key_refused(),
            await self._unclaimed_money(),
            await self._dispute_due(),
        )
        return [*await self._rights_missing(), *(each for each in found if each)]

    async def do_webhooks_come(self) -> bool:
        """Whether the newest events of the last week came by webhook, or one of them at least."""
        newest, since = await self._events.find({}, limit=NEWEST), self._clock.now() - 7 * DAY
        return any(event.asked_at is None and event.received_at >= since for event in newest)

    async def _webhooks_refused(self) -> Notice | None:
        refused = await self._refused.so_far()
        if refused is None:
            return None
        what = counted(refused.count, "webhook was", "webhooks were")
        text = f"{what} refused since {rfc3339(refused.since)}, the last one: {refused.reason}"
        return Notice("webhooks_refused", refused.count, text, _WEBHOOK_ADVICE)

    async def _webhooks_missing(self) -> Notice | None:
        """What was taken in by asking alone is mended, but not its cause."""
        since = Between(at_least=self._clock.now() - LATELY)
        count = await self._events.count({"status": "done", "asked_at": since})
        if not count:
            return None
        what = counted(count, "event of the last hour", "events of the last hour")
        text = f"{what} came only because Stripe was asked, by no webhook"
        return Notice("webhooks_missing", count, text, _WEBHOOK_ADVICE)

    async def _rights_missing(self) -> list[Notice]:
        """One for each reason that Stripe gives."""
        lacking = await self._rights.lacking()
        return [Notice("rights_missing", each.times, each.text, _RIGHT_ADVICE) for each in lacking]

    async def _key_refused(self) -> Notice | None:
        """Events that wait for a key that may ask about them; Stripe's words name the right that it lacks."""
        newest = await self._events.find(WAIT_FOR_THE_KEY, limit=1)
        if not newest:
            return None
        count = await self._events.count(WAIT_FOR_THE_KEY)
        text = f"{counted(count, 'event waits', 'events wait')} because Stripe refuses the shop's key: {newest[0].note}"
        return Notice("key_refused", count, text, _KEY_ADVICE)

    async def _dispute_due(self) -> Notice | None:
        """Disputes that are lost unless somebody answers them within days."""
        soon = self._clock.now() + SOON
        waiting = await self._payments.find({"wants_evidence": True}, limit=MOST_DISPUTED)
        due = [
            each.answer_by
            for payment in waiting
            for each in payment.disputes
            if each.status in WANTS_ANSWER and each.answer_by is not None and self._clock.now() < each.answer_by <= soon
        ]
        if not due:
            return None
        what = counted(len(due), "dispute wants", "disputes want")
        text = f"{what} an answer within 3 days, the first by {rfc3339(min(due))}"
        return Notice("dispute_due", len(due), text, "answer on the order's page, or in Stripe's dashboard")

    async def _unclaimed_money(self) -> Notice | None:
        count = await self._unclaimed.count({"status": OPEN})
        if not count:
            return None
        what = counted(count, "checkout session was", "checkout sessions were")
        text = f"{what} paid at Stripe, and no order here knows of {'it' if count == 1 else 'them'}"
        advice = "refund it in Stripe's dashboard, or say that it is not this shop's"
        return Notice("unclaimed_money", count, text, advice)
