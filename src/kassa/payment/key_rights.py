"""What Stripe does not let the shop's key do: remembered from the first refusal on, until the same works again."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from inspect import iscoroutinefunction
from typing import Any, NamedTuple, cast

from kassa.contracts.payment import StripeKeyRefused, StripeUnreachable
from kassa.kit.clock import HOUR, MINUTE, Clock, Millis, rfc3339
from kassa.kit.documents import Collection
from kassa.kit.problem import Unavailable
from kassa.payment.processor import Processor
from kassa.payment.refusal_count import RefusalCount
from kassa.payment.rights import EACH_RIGHT, Right, StripeAccount
from kassa.payment.store import Refusals

_MOST = 100
_TOLD_ELSEWHERE = ("answer_dispute", "fee")
"""Calls whose refusal is told whoever asked for them: the shop takes and gives back money without that right."""
_OF_RIGHTS = frozenset(f"{right.access} {right.resource}" for right in EACH_RIGHT)


class Lacking(NamedTuple):
    """What Stripe refuses for one reason, how often it did, and all of it in words."""

    times: int
    text: str


class KeyRights:
    """Each right is used regularly, and when a call is refused; what that does not explain is noted as that call's.

    `account` is who is asked; None where there is nobody who could be.
    """

    def __init__(self, refusals: Collection[Refusals], account: StripeAccount | None, clock: Clock) -> None:
        self._refusals = refusals
        self._account = account
        self._clock = clock
        self._counts: dict[str, RefusalCount] = {}
        self._looked_at: Millis = -MINUTE

    def jobs(self) -> list[tuple[str, Millis, Callable[[], Awaitable[Any]]]]:
        """What is to be done regularly: name, every so often (ms), how."""
        return [("use the rights of the Stripe key", 5 * MINUTE, self.look)]

    async def look(self) -> None:
        """Use each right once, harmlessly, and note which work. StripeUnreachable: not all could be used."""
        if self._account is None:
            return
        now = self._clock.now()
        outcomes = await asyncio.gather(*(self._use(self._account, right) for right in EACH_RIGHT))
        if unreachable := next((each for each in outcomes if each), None):
            raise unreachable
        await self._forget_passing(now)

    async def _forget_passing(self, now: Millis) -> None:
        """What a call was refused once goes when all rights have worked for an hour: it may not be made again soon."""
        refused = await self._refusals.find({}, limit=_MOST)
        if any(each.id in _OF_RIGHTS for each in refused):
            return
        for each in refused:
            if now - each.last_at >= HOUR:
                await self._count(each.id).end()

    async def lacking(self) -> list[Lacking]:
        """What Stripe refuses now, as far as is known."""
        by_reason: dict[str, list[Refusals]] = {}
        for each in await self._refusals.find({}, limit=_MOST, order="oldest"):
            by_reason.setdefault(each.reason, []).append(each)
        return [_in_words(reason, refused) for reason, refused in by_reason.items()]

    async def check(self) -> None:
        """Return if nothing is known to be refused; StripeKeyRefused else. Asks nobody."""
        if lacking := await self.lacking():
            raise StripeKeyRefused("; ".join(each.text for each in lacking))

    def watching(self, processor: Processor) -> Processor:
        """The same way to Stripe; what it refuses the key is remembered."""
        return cast("Processor", _Watched(processor, self))

    async def call(self, name: str, ask: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        """Call Stripe; whatever comes of noting the outcome, the outcome is the answer."""
        try:
            answer = await ask(*args)
        except StripeKeyRefused as refused:
            with suppress(Unavailable):
                await self._note(name, refused.detail)
            raise
        with suppress(Unavailable):
            await self._count(name).forget()
        return answer

    async def _note(self, name: str, reason: str) -> None:
        what = await self._noted_for(reason)
        # One look tells for all that are refused meanwhile.
        if what is None and self._clock.now() - self._looked_at >= MINUTE:
            self._looked_at = self._clock.now()
            with suppress(StripeUnreachable):
                await self.look()
            if await self._noted_for(reason):
                return
        await self._count(what or name).add(reason)

    async def _noted_for(self, reason: str) -> str | None:
        found = await self._refusals.find({}, limit=_MOST)
        return next((each.id for each in found if each.reason == reason), None)

    async def _use(self, account: StripeAccount, right: Right) -> StripeUnreachable | None:
        count = self._count(f"{right.access} {right.resource}")
        try:
            await account.use(right)
        except StripeKeyRefused as refused:
            await count.add(refused.detail)
        except StripeUnreachable as unreachable:
            return unreachable
        else:
            await count.forget()
        return None

    def _count(self, what: str) -> RefusalCount:
        if what not in self._counts:
            self._counts[what] = RefusalCount(self._refusals, what, self._clock, "Stripe refuses the shop's key")
        return self._counts[what]


class _Watched:
    """Any processor, each of whose calls is made by way of KeyRights."""

    def __init__(self, processor: Processor, rights: KeyRights) -> None:
        self._processor = processor
        self._rights = rights

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._processor, name)
        is_watched = iscoroutinefunction(found) and name not in _TOLD_ELSEWHERE
        return partial(self._rights.call, name, found) if is_watched else found


def _in_words(reason: str, refused: list[Refusals]) -> Lacking:
    since = rfc3339(min(each.since for each in refused))
    what = ", ".join(each.id.replace("_", " ") for each in refused)
    words = reason.removeprefix("Stripe: ")
    return Lacking(sum(each.count for each in refused), f"Stripe has refused the key since {since} ({what}): {words}")
