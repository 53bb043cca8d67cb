"""What earlier versions gave up for ever: an owed refund that was refused once, or that a bank sent back. Nothing tells
of it any more, so all payments are looked at once, some at a time; what is owed since then is never given up."""

import msgspec
import structlog

from kassa.kit.clock import Clock
from kassa.kit.documents import Duplicate, change
from kassa.payment.debts import reopened
from kassa.payment.domain import Payment, Stage
from kassa.payment.service import PaymentService
from kassa.payment.store import Cursor, PaymentStore

CURSOR = "debts-of-earlier-versions"
TAKEN = (Stage.SUCCESS, Stage.FAILED)
"""Where a payment's money may be there, and owed."""
PAGE, PAUSE, MOST_PAGES = 100, 50, 200
"""So many payments are looked at in a row, then others have their turn for so long (ms), so often in one turn."""

log = structlog.get_logger()


class EarlierDebts:
    """Looks for them, and has them asked for again."""

    def __init__(self, store: PaymentStore, service: PaymentService, clock: Clock) -> None:
        self._cursors = store.cursors
        self._payments = store.payments
        self._service = service
        self._clock = clock
        self._is_done = False

    async def look(self) -> None:
        """Look at the next payments; at none any more, once all were looked at."""
        if self._is_done:
            return
        known = await self._cursors.get(CURSOR)
        cursor = known or Cursor(id=CURSOR)
        for _ in range(MOST_PAGES):
            if cursor.is_done:
                break
            page = await self._payments.find({}, limit=PAGE, after=cursor.after or None, order="oldest")
            for payment in page:
                if payment.stage in TAKEN:
                    await self._reopen(payment)
            after, is_done = page[-1].id if page else cursor.after, len(page) < PAGE
            cursor = msgspec.structs.replace(cursor, after=after, is_done=is_done)
            await self._clock.sleep(0 if is_done else PAUSE)
        await self._keep(cursor, is_new=known is None)
        self._is_done = cursor.is_done

    async def _reopen(self, payment: Payment) -> None:
        if reopened(payment, self._clock.now()) is payment:
            return
        log.warning("an earlier version gave up what is owed back; it is asked for again", order=payment.order_id)
        await self._service.outbox.see_through(payment.id, lambda current: reopened(current, self._clock.now()))

    async def _keep(self, cursor: Cursor, *, is_new: bool) -> None:
        if not is_new:
            await change(self._cursors, CURSOR, lambda known: msgspec.structs.replace(cursor, version=known.version))
            return
        try:
            await self._cursors.insert(cursor)
        except Duplicate:
            return  # another process looks at the same time
