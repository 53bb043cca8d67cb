"""Customers' own data: all that the shop stores of one told in one document, and forgotten when it is time."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from kassa.auth import domain, wire
from kassa.auth.domain import User
from kassa.auth.service import AuthService
from kassa.auth.store import AuthStore
from kassa.auth.wire import OneSession, UserOut
from kassa.contracts.auth import StaffAccount
from kassa.contracts.mail import Mails
from kassa.contracts.order import OrderRecord, Orders
from kassa.contracts.stock_notices import NoticeRecord, StockNotices
from kassa.kit import security
from kassa.kit.access import USER
from kassa.kit.audit import Cause
from kassa.kit.clock import DAY, Clock, Millis, Timestamp, rfc3339
from kassa.kit.documents import Between, Database, Where, change, pages
from kassa.kit.effects import Effect
from kassa.kit.email import one_spelling
from kassa.kit.ids import REQUEST, Ids, is_id
from kassa.kit.ids import USER as USER_ID
from kassa.kit.outbox import Outbox, Step
from kassa.kit.wire import request_id

SYSTEM = "auth-service"
SWEPT = 100
"""Accounts that one turn of the sweep looks at."""
LARGEST_REWRITTEN = 256 << 20
"""Bytes of a file that is written anew while the shop sells: writes wait for a second or two."""


class Happened(msgspec.Struct, frozen=True):
    """One thing that happened to an account."""

    at: Timestamp
    what: str


class CustomerData(msgspec.Struct, frozen=True, rename="camel"):
    """All that the shop stores of one customer. Of an order: the order itself, its payment with refunds, disputes and
    declined cards, and what happened to it. Of a second factor: since when there is one. `locale`: of mails.
    The cart is in the customer's browser alone, and their card at Stripe."""

    exported_at: Timestamp
    account: UserOut
    history: list[Happened]
    sessions: list[OneSession]
    orders: list[OrderRecord]
    second_factor_since: Timestamp | None
    locale: str
    stock_notices: list[NoticeRecord]


class Customers:
    """Tells and forgets. `unused_days` is after how many days without a log-in an account without orders is erased; 0:
    never."""

    def __init__(
        self,
        store: AuthStore,
        outbox: Outbox[User],
        auth: AuthService,
        orders: Orders,
        mails: Mails,
        waiting: StockNotices,
        database: Database,
        ids: Ids,
        clock: Clock,
        unused_days: int = 0,
    ) -> None:
        self._users = store.users
        self._outbox = outbox
        self._auth = auth
        self._orders = orders
        self._mails = mails
        self._waiting = waiting
        self._database = database
        self._ids = ids
        self._clock = clock
        self._unused: Millis = unused_days * DAY

    async def of(self, text: str) -> User | None:
        """The user of this id or address."""
        return await self._users.get(text) if is_id(USER_ID, text) else await self._auth.user_of(text)

    async def export(self, user: User, session_id: str = "", *, for_operator: bool = False) -> CustomerData:
        """All that is stored of the user, who asks in this session. What staff wrote about a refund is told to an
        operator alone, who decides what of it is handed over."""
        orders, after = [], None
        while after != "":
            page = await self._orders.records_of(user.id, after or "")
            orders += page.records if for_operator else [_without_words_of_staff(each) for each in page.records]
            after = page.after
        security.event(security.DATA_EXPORTED, user.id)
        return CustomerData(
            exported_at=rfc3339(self._clock.now()),
            account=wire.shown_user(user),
            history=[Happened(rfc3339(each.at), each.what) for each in user.audit],
            sessions=wire.listed(await self._auth.sessions(user.id), session_id).sessions,
            orders=orders,
            second_factor_since=wire.second_factor_since(user),
            locale=user.locale,
            stock_notices=await self._waiting.records_of(user.email),
        )

    async def guest_orders(self, email: str) -> list[OrderRecord]:
        """All that is stored of the orders that guests have made with this e-mail address, for an operator: who they
        were was not looked at."""
        orders, after = [], None
        while after != "":
            page = await self._orders.records_of_guests(one_spelling(email), after or "")
            orders += page.records
            after = page.after
        return orders

    async def waits_for(self, email: str) -> list[NoticeRecord]:
        """What this e-mail address waits for, for an operator."""
        return await self._waiting.records_of(one_spelling(email))

    async def erase_guests(self, email: str) -> None:
        """Erase what names the buyer in the orders that guests have made with this e-mail address, and what it waits
        for; what is unpaid is cancelled."""
        await self._orders.erase_guests(one_spelling(email))
        await self._waiting.erase_of(one_spelling(email))
        await self._database.scrub()

    async def erase(self, user: User, who: str) -> None:
        """Erase the account: nobody can log in to it any more, nothing names the user, and what is unpaid is cancelled.
        What cannot be done at once is done by the relay; but what the address waits for, which nothing tells any more
        when it is erased. StaffAccount, Unavailable; once it is erased, asking again does no harm."""
        if user.role != USER:
            raise StaffAccount
        if user.erased_at is None:
            await self._waiting.erase_of(user.email)
        cause, now = Cause(self._ids.new(REQUEST), who, "erasure", request_id.get()), self._clock.now()
        erased = await self._outbox.change(user.id, lambda current: domain.erased(current, cause, now))
        if erased is not None:
            security.event(security.ACCOUNT_ERASED, user.id, by=who)
            await self._auth.forget_sessions(erased)
            await self._outbox.carry_out(erased)

    async def erase_elsewhere(self, user: User, _: Effect) -> Step[User] | None:
        """Carries out the effect `erase`: all that is not in the account itself."""
        await self._auth.forget_sessions(user)
        await self._orders.erase_of(user.id)
        await self._mails.forget(user.id)
        await self._database.scrub()
        return None

    async def erase_again(self, user_id: str) -> bool:
        """Erase what a backup has brought back of a user who was erased; False if it has brought nothing back."""
        user = await self._users.get(user_id)
        if user is None:
            return False
        if user.erased_at is None:
            await self.erase(msgspec.structs.replace(user, role=USER), "operator")
        else:
            await self.erase_elsewhere(user, user.effects[-1])
        return True

    async def erased(self) -> AsyncIterator[User]:
        """The accounts that were erased, the oldest first."""
        async for page in pages(self._users, {"erased_at": Between(at_least=0)}):
            for user in page:
                yield user

    def jobs(self) -> list[tuple[str, Millis, Any]]:
        """What is to be done regularly: name, every so often (ms), how."""
        sweep: list[tuple[str, Millis, Any]] = [("erase unused accounts", 10 * 60_000, self.erase_unused)]
        return [("rewrite files with erased data", DAY, self._rewrite), *(sweep if self._unused else [])]

    async def erase_unused(self) -> int:
        """Erase accounts without orders that nobody has used for long, some at a time; return how many."""
        now = self._clock.now()
        # Accounts of former releases do not know when they were used last: their time begins now.
        for user in await self._users.find({"used_at": None, "erased_at": None, "role": USER}, limit=SWEPT):
            await change(self._users, user.id, lambda current: domain.used(current, now))
        unused: Where = {"used_at": Between(below=now - self._unused), "role": USER}
        found = await self._users.find(unused, limit=SWEPT, order="oldest")
        buyers = set(await self._orders.buyers_among([user.id for user in found]))
        for user in found:
            if user.id in buyers:  # Not looked at again until as much time has passed once more.
                await change(self._users, user.id, lambda current: domain.used(current, now))
            else:
                await self.erase(user, SYSTEM)
        return len(found) - len(buyers)

    async def _rewrite(self) -> None:
        await self._database.rewrite(LARGEST_REWRITTEN)


def _without_words_of_staff(record: OrderRecord) -> OrderRecord:
    if record.payment is None:
        return record
    refunds = [{**refund, "reason": ""} for refund in record.payment.refunds]
    return msgspec.structs.replace(record, payment=msgspec.structs.replace(record.payment, refunds=refunds))
