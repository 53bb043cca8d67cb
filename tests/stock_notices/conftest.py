"""Shops with goods that are sold out, and whoever waits for them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kassa.app.effects import notice_effects
from kassa.contracts.auth import Contact
from kassa.kit.documents import Collection, pages
from kassa.kit.ids import Ids
from kassa.kit.outbox import Outbox
from kassa.kit.problem import NotFound
from kassa.stock_notices.domain import StockNotice
from kassa.stock_notices.mails import NoticeEffects
from kassa.stock_notices.service import StockNoticeService
from kassa.stock_notices.shelf import Shelf
from kassa.stock_notices.store import STOCK_NOTICES
from kassa.stock_notices.tokens import WaiterTokens
from tests.auth.elsewhere import Mailbox
from tests.trade.conftest import _servers  # noqa: F401 (a fixture)
from tests.trade.stores import FORMS
from tests.trade.world import World, world

SITE = "https://shop.example"
ACCOUNT = "usr_ada"
VERIFIED = Contact("ada@example.com", "Ada", "de", is_verified=True)


class Queue:
    """Who waits in a shop, and what they are written. `again()` is another process with the same data."""

    def __init__(self, shop: World, notices: Collection[StockNotice], box: Mailbox, *, is_off: bool = False) -> None:
        self.shop, self.notices, self.box = shop, notices, box
        self.tokens = WaiterTokens("a secret")
        self.accounts = {ACCOUNT: VERIFIED}
        shelf = Shelf(shop.product, shop.inventory)
        effects = NoticeEffects(notices, box, shelf, self.tokens, shop.clock, SITE)
        self.outbox = Outbox(notices, notice_effects(effects), shop.clock, lambda: 0.5)
        needed = (self.outbox, shelf, box, self.tokens, self._contact, Ids(shop.clock), shop.clock)
        self.service = StockNoticeService(*needed, is_off=is_off)

    async def _contact(self, user_id: str) -> Contact:
        if user_id not in self.accounts:
            raise NotFound("there is no such account")
        return self.accounts[user_id]

    def again(self) -> "Queue":
        return Queue(self.shop, self.notices, self.box)

    async def ask(self, product_id: str, email: str, *, user_id: str | None = None, locale: str = "en") -> bool:
        needs_confirmation = await self.service.ask(product_id, email, locale, user_id)
        await self.outbox.settle()
        return needs_confirmation

    async def wait(self, product_id: str, email: str) -> None:
        """Ask, and confirm it."""
        await self.ask(product_id, email)
        token = self.tokens.token_of(email)
        (notice,) = [each for each, _ in await self.service.of(token) if each.product_id == product_id]
        await self.service.confirm(token, notice.id)

    async def restock(self, product_id: str, pieces: int) -> None:
        await self.shop.inventory.adjust(product_id, pieces, "", self.shop.inventory.new_operation_id(), "usr_admin")

    async def look(self) -> None:
        await self.service.tell()
        await self.outbox.settle()

    async def later(self, duration: int) -> None:
        self.shop.clock.advance(duration)
        while await self.outbox.run_due():
            await self.outbox.settle()


@pytest.fixture(params=FORMS)
async def queue(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Queue]:
    async with world(tmp_path, form=request.param) as shop:
        notices = await shop.database.collection(STOCK_NOTICES)
        async for page in pages(notices):  # MongoDB's is the last test's, too.
            for each in page:
                await notices.delete(each.id)
        yield Queue(shop, notices, Mailbox())
