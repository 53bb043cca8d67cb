"""The shop's profile, as staff change it and as mails and invoices use it."""

import msgspec

from kassa.kit.audit import Cause, entry, newest
from kassa.kit.clock import SECOND, Clock, Millis, rfc3339
from kassa.kit.documents import Collection, Conflict, Duplicate, with_version
from kassa.kit.ids import REQUEST, Ids
from kassa.kit.problem import Problem
from kassa.kit.wire import request_id
from kassa.order.profile import ID, NOTHING_SET, Profile, footer_of
from kassa.order.profile_checks import checked
from kassa.order.profile_wire import ShopProfileIn

KEPT_FOR = 10 * SECOND


class ProfileChanged(Problem):
    """Somebody else has changed the shop's profile since it was read; nothing was changed."""

    code, title, status = "profile_changed", "The shop's profile has been changed meanwhile", 409

    def __init__(self, updated_at: str) -> None:
        super().__init__(f"it was changed at {updated_at}; read it again", updatedAt=updated_at)


class Profiles:
    """Knows and changes the profile; mails and invoices are content with what it was some seconds ago. `set_name` is
    what the shop is called where the profile does not say."""

    def __init__(self, profiles: Collection[Profile], ids: Ids, clock: Clock, set_name: str) -> None:
        self.set_name = set_name
        self._profiles = profiles
        self._ids = ids
        self._clock = clock
        self._known, self._until = NOTHING_SET, 0

    async def profile(self) -> Profile:
        """The profile now."""
        return await self._profiles.get(ID) or NOTHING_SET

    async def name(self) -> str:
        """What the shop is called, as it was known some seconds ago."""
        return (await self._lately()).name or self.set_name

    async def foot(self, language: str) -> tuple[str, str]:
        """What the shop is called, and what stands at the foot of its mails, as it was known some seconds ago."""
        return await self.name(), footer_of(await self._lately(), language)

    async def change(self, given: ShopProfileIn, who: str, expected: Millis | None) -> Profile:
        """Be known by this from now on. Invalid with all that is wrong; ProfileChanged if somebody else has changed it
        since `expected`."""
        now = self._clock.now()
        wanted, known = checked(given, now), await self.profile()
        if expected not in (None, known.updated_at):
            raise ProfileChanged(rfc3339(known.updated_at))
        cause = Cause(self._ids.new(REQUEST), who, "edited", request_id.get())
        # Who puts back what was read has not named the shop: the setting goes on holding.
        name = wanted.name if wanted.name != self.set_name else ""
        audit = newest(known.audit, entry(cause, "edited", "", "", now))
        wanted = msgspec.structs.replace(wanted, name=name, audit=audit)
        try:
            saved = await (
                self._profiles.save(with_version(wanted, known.version))
                if known.version
                else self._profiles.insert(wanted)
            )
        except (Conflict, Duplicate) as conflict:
            raise ProfileChanged(rfc3339(now)) from conflict
        self._until = 0
        return saved

    async def _lately(self) -> Profile:
        if self._clock.now() >= self._until:
            self._known = await self.profile()
            self._until = self._clock.now() + KEPT_FOR
        return self._known
