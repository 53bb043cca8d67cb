"""Keeps what visitors wait for, and has them told."""

from collections.abc import AsyncIterator, Awaitable, Callable

from kassa.contracts.auth import Contact, MailOff
from kassa.contracts.mail import LOCALES, Mails, language
from kassa.contracts.product import UnknownProduct
from kassa.contracts.stock_notices import InStock, NoticeRecord
from kassa.kit import inputs
from kassa.kit.clock import MINUTE, Clock, Millis, rfc3339
from kassa.kit.documents import Between, Duplicate, Where, pages
from kassa.kit.email import normalised_email
from kassa.kit.ids import PRODUCT, STOCK_NOTICE, Ids, is_id
from kassa.kit.outbox import Outbox
from kassa.kit.problem import Invalid, NotFound
from kassa.stock_notices import domain
from kassa.stock_notices.domain import MOST_TOLD, MOST_UNCONFIRMED, MOST_WAITING, TOLD_A_PIECE, StockNotice
from kassa.stock_notices.shelf import Shelf
from kassa.stock_notices.tokens import WaiterTokens

JOB = "tell who waits for stock"
EVERY: Millis = 5 * MINUTE
"""How often is looked whether something is back: what is back for less long is missed, and meant to be."""


class StockNoticeService:
    """Satisfies contracts.stock_notices.StockNotices. `contact_of` tells how to write to an account. `is_off`: the
    shop sends no mails."""

    def __init__(
        self,
        outbox: Outbox[StockNotice],
        shelf: Shelf,
        mails: Mails,
        tokens: WaiterTokens,
        contact_of: Callable[[str], Awaitable[Contact]],
        ids: Ids,
        clock: Clock,
        *,
        is_off: bool,
    ) -> None:
        self.notices = outbox.collection
        self._outbox = outbox
        self._shelf = shelf
        self._mails = mails
        self._tokens = tokens
        self._contact_of = contact_of
        self._ids = ids
        self._clock = clock
        self._is_off = is_off

    # What visitors do

    async def ask(self, product_id: str, email: str | None, locale: str, user_id: str | None) -> bool:
        """Have an address told when the product is back: that of the account, if no other is given. True: it has to
        confirm that first, for it is not known that it is the asker's. Nobody learns whether it waits already, or is
        written to too often. Invalid, UnknownProduct, InStock, MailOff."""
        if self._is_off:
            raise MailOff
        account = await self._contact_of(user_id) if user_id is not None else None
        address = normalised_email(email) if email is not None else account.email if account is not None else ""
        if not address:
            raise Invalid.field("email", "is missing: say where to write to, or log in")
        goods = (await self._shelf.look([product_id])).get(product_id) if is_id(PRODUCT, product_id) else None
        if goods is None:
            raise UnknownProduct(product_id[:64])
        if goods.pieces:
            raise InStock(product_id)
        is_known = account is not None and account.is_verified and account.email == address
        tongue = language(locale) if locale else account.locale if account is not None else ""
        await self._keep(product_id, address, tongue or LOCALES[0], is_known=is_known)
        return not is_known

    async def _keep(self, product_id: str, address: str, locale: str, *, is_known: bool) -> None:
        waiter, now = inputs.waiter_of(self._tokens.token_of(address)), self._clock.now()
        known = await self.notices.first({"ask": inputs.stock_notice(waiter, product_id)})
        if known is not None:
            if is_known:
                await self._outbox.change(known.id, lambda current: domain.confirmed(current, address, now))
            return
        others = await self.notices.find({"waiter": waiter}, limit=MOST_WAITING)
        unconfirmed = sum(each.confirmed_at is None for each in others)
        # Whoever has just said no to one is not asked about another.
        is_too_much = unconfirmed >= MOST_UNCONFIRMED or any(not each.email for each in others)
        if len(others) >= MOST_WAITING or (is_too_much and not is_known):
            return
        notice = domain.asked(self._ids.new(STOCK_NOTICE), waiter, product_id, address, locale, now)
        try:
            stored = await self._outbox.insert(domain.confirmed(notice, address, now) if is_known else notice)
        except Duplicate:
            return  # The same, asked twice at once.
        self._outbox.at_once(stored)

    # What whoever has an address's token does

    async def of(self, token: str) -> list[tuple[StockNotice, str]]:
        """What the address waits for, or is to confirm, each with the name of its product; of one that is not on sale
        any more it is empty."""
        found = [each async for each in self._of(token) if each.email]
        goods = await self._shelf.look([each.product_id for each in found])
        return [(each, goods[each.product_id].name if each.product_id in goods else "") for each in found]

    async def confirm(self, token: str, notice_id: str) -> None:
        """The address wants to be told. Again: a no-op. NotFound, also when its time is over."""
        now = self._clock.now()
        async for each in self._of(token):
            if each.id == notice_id and each.email:
                await self._outbox.change(each.id, lambda known: domain.confirmed(known, known.email, now))
                return
        raise NotFound("the address waits for no such thing (any more); ask again on the product's page")

    async def unsubscribe(self, token: str, notice_id: str | None = None) -> None:
        """The address does not want to be told, of one product or of all. Again: a no-op."""
        now = self._clock.now()
        async for each in self._of(token):
            if notice_id not in (None, each.id):
                continue
            if each.confirmed_at is not None:
                await self.notices.delete(each.id)
            elif each.email:
                await self._outbox.change(each.id, lambda known: domain.refused(known, now))

    async def _of(self, token: str) -> AsyncIterator[StockNotice]:
        for each in await self.notices.find({"waiter": inputs.waiter_of(token)}, limit=MOST_WAITING):
            yield each

    # What staff sees

    async def waiting(self, product_id: str) -> int:
        """How many wait for a product."""
        return await self.notices.count({"waits_for": product_id})

    # What auth asks

    async def records_of(self, email: str) -> list[NoticeRecord]:
        """See contracts.stock_notices.StockNotices."""
        return [
            NoticeRecord(each.id, each.product_id, each.confirmed_at is not None, rfc3339(each.asked_at))
            for each in await self.notices.find({"email": email}, limit=MOST_WAITING, order="oldest")
        ]

    async def erase_of(self, email: str) -> None:
        """See contracts.stock_notices.StockNotices."""
        waiter = inputs.waiter_of(self._tokens.token_of(email))
        by_any: tuple[Where, ...] = ({"email": email}, {"waiter": waiter})
        for where in by_any:
            async for page in pages(self.notices, where):
                for each in page:
                    await self.notices.delete(each.id)
        await self._mails.forget(waiter)

    # What is done regularly

    def jobs(self) -> list[tuple[str, Millis, Callable[[], Awaitable[int]]]]:
        """Name, every so often, how."""
        return [(JOB, EVERY, self.tell)]

    async def tell(self) -> int:
        """Have those told whose product is back, as many as there are pieces for; return how many. Where nobody waits
        this is one question to an index. A crash leaves some of them waiting, for the next look."""
        groups = await self.notices.totals({"waits_for": Between(at_least=PRODUCT)}, by="waits_for")
        told = 0
        for product_id, goods in (await self._shelf.look([str(each.key) for each in groups])).items():
            most = min(goods.pieces * TOLD_A_PIECE, MOST_TOLD)
            found = await self.notices.find({"waits_for": product_id}, limit=most, order="oldest") if most else []
            for each in found:
                await self._outbox.advance(each.id, lambda known: domain.back(known, self._clock.now()))
            told += len(found)
        return told
