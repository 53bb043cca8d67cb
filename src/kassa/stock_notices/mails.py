"""What those who wait are written, and what follows from that: the address is forgotten."""

from typing import Any

from kassa.contracts.mail import LOCALES, Mail, MailRefused, Mails
from kassa.kit.clock import DAY, Clock, Millis
from kassa.kit.documents import Collection
from kassa.kit.effects import Effect
from kassa.kit.outbox import Step
from kassa.kit.problem import Unavailable
from kassa.stock_notices.domain import CONFIRMED_WITHIN, StockNotice, waiting_on
from kassa.stock_notices.shelf import Shelf
from kassa.stock_notices.tokens import WaiterTokens

TRIED_FOR: Millis = 3 * DAY
"""After this time a mail that cannot be sent is given up."""


class NoticeEffects:
    """Carries out what stock notices want. `site` is where browsers find the shop."""

    def __init__(
        self,
        notices: Collection[StockNotice],
        mails: Mails,
        shelf: Shelf,
        tokens: WaiterTokens,
        clock: Clock,
        site: str,
    ) -> None:
        self._notices = notices
        self._mails = mails
        self._shelf = shelf
        self._tokens = tokens
        self._clock = clock
        self._site = site.rstrip("/")

    async def mail_confirm(self, notice: StockNotice, effect: Effect) -> None:
        """Ask whoever reads what is sent to the address whether they want to be told."""
        goods = (await self._shelf.look([notice.product_id])).get(notice.product_id)
        if notice.email and goods is not None:
            await self._send(notice, effect, "stock_confirm", {"name": goods.name, "days": CONFIRMED_WITHIN // DAY})

    async def mail_back(self, notice: StockNotice, effect: Effect) -> Step[StockNotice] | None:
        """Tell that the product can be bought again, and forget the address; if it is gone again, wait on."""
        goods = (await self._shelf.look([notice.product_id])).get(notice.product_id)
        if goods is None or not goods.pieces:
            return waiting_on
        product = f"{self._site}/shop/products/{notice.product_id}"
        await self._send(notice, effect, "stock_back", {"name": goods.name, "product": product})
        await self._notices.delete(notice.id)
        return None

    async def forget(self, notice: StockNotice, effect: Effect) -> None:
        """Forget what was not confirmed in time, or did not come back for too long."""
        await self._notices.delete(notice.id)

    async def _send(self, notice: StockNotice, effect: Effect, kind: str, says: dict[str, Any]) -> None:
        """Send it; what the mail server refuses is given up, and what is too old."""
        link = f"{self._site}/shop/stock-notices/{self._tokens.token_of(notice.email)}"
        since, says = int(effect.args["since"]), {**says, "link": link}
        locale = notice.locale or LOCALES[0]
        mail = Mail(effect.id, notice.waiter, kind, notice.email, locale, since, says, unsubscribe=link)
        try:
            await self._mails.send(mail)
        except MailRefused:
            return
        except Unavailable:
            if self._clock.now() - since < TRIED_FOR:
                raise
