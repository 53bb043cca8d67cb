"""Orders of before it was noted in an order what is to be done about it: all are gone through once, some at a time, so
that lists of what is to be sent have them, too."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from kassa.kit.clock import MINUTE, Clock, Millis
from kassa.kit.documents import Duplicate, change
from kassa.kit.outbox import Outbox
from kassa.order.domain import Order
from kassa.order.store import OrderStore, Walk
from kassa.order.work import with_work

WALK = "what-is-to-be-done"
PAGE, PAUSE, MOST_PAGES = 100, 50, 200
"""So many orders are looked at in a row, then others have their turn for so long (ms), so often in one turn."""


class NotingWork:
    """Goes through them."""

    def __init__(self, store: OrderStore, outbox: Outbox[Order], clock: Clock) -> None:
        self._orders = store.orders
        self._walks = store.walks
        self._outbox = outbox
        self._clock = clock
        self._is_done = False

    def jobs(self) -> list[tuple[str, Millis, Callable[[], Awaitable[Any]]]]:
        """What is to be done regularly: name, every so often (ms), how."""
        return [("note what is to be done about older orders", MINUTE, self.look)]

    async def look(self) -> None:
        """Look at the next orders; at none any more, once all were looked at."""
        if self._is_done:
            return
        known = await self._walks.get(WALK)
        walk = known or Walk(id=WALK)
        for _ in range(MOST_PAGES):
            if walk.is_done:
                break
            page = await self._orders.find({}, limit=PAGE, after=walk.after or None, order="oldest")
            for order in page:
                if with_work(order) is not order:
                    await self._outbox.change(order.id, with_work)
            after, is_done = page[-1].id if page else walk.after, len(page) < PAGE
            walk = msgspec.structs.replace(walk, after=after, is_done=is_done)
            await self._clock.sleep(0 if is_done else PAUSE)
        await self._keep(walk, is_new=known is None)
        self._is_done = walk.is_done

    async def _keep(self, walk: Walk, *, is_new: bool) -> None:
        if not is_new:
            await change(self._walks, WALK, lambda known: msgspec.structs.replace(walk, version=known.version))
            return
        try:
            await self._walks.insert(walk)
        except Duplicate:
            return  # another process looks at the same time
