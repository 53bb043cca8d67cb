"""The list of acts reaches as far back as is set."""

from pathlib import Path

import pytest

from kassa.auth.acts import REMOVED, Acts
from kassa.auth.store import AuthStore
from kassa.contracts.auth import Act
from kassa.kit.clock import DAY
from kassa.kit.ids import ACT, Ids
from kassa.kit.lists import Paging
from tests.support import FakeClock
from tests.trade.stores import FORMS, stores


class Kept:
    """A list of acts, and somebody who acts."""

    def __init__(self, store: AuthStore, clock: FakeClock, kept_days: int) -> None:
        self.clock, self.ids = clock, Ids(clock)
        self.acts = Acts(store.acts, clock, kept_days)

    async def act(self, what: str) -> None:
        """Somebody of the staff does something."""
        id, now = self.ids.new(ACT), self.clock.now()
        await self.acts.note(Act(id, now, "usr_1", "staff@shop.example", "admin", "192.0.2.1", what, "", 200, "req_1"))

    async def listed(self) -> list[str]:
        """What was done, the latest first."""
        return [act.what for act in (await self.acts.listed({}, Paging(10, 0, None)))[0]]


@pytest.mark.parametrize("form", FORMS)
async def test_acts_are_kept_for_as_long_as_is_set(form: str, tmp_path: Path) -> None:
    async with stores(form, tmp_path) as (database, _):
        clock = FakeClock()
        kept = Kept(await AuthStore.open(database, clock), clock, 400)
        for _ in range(REMOVED + 1):
            await kept.act("first")
        clock.advance(1)
        await kept.act("second")
        clock.advance(400 * DAY - 1)
        await kept.act("third")
        assert await kept.acts.remove_old() == 0
        clock.advance(1)
        assert await kept.acts.remove_old() == REMOVED + 1
        assert await kept.listed() == ["third", "second"]
        clock.advance(1)
        assert await kept.acts.remove_old() == 1
        assert await kept.listed() == ["third"]


@pytest.mark.parametrize("form", FORMS)
async def test_acts_are_kept_for_ever_where_that_is_set(form: str, tmp_path: Path) -> None:
    async with stores(form, tmp_path) as (database, _):
        clock = FakeClock()
        kept = Kept(await AuthStore.open(database, clock), clock, 0)
        await kept.act("first")
        clock.advance(4000 * DAY)
        assert await kept.acts.remove_old() == 0
        assert await kept.listed() == ["first"]
