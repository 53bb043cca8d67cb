"""Sends mails."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from kassa.contracts.mail import LOCALES, MOST_CAUSE, Mail, MailRefused, MailsNotKept
from kassa.kit.email import normalised_email
from kassa.kit.ids import is_any_id
from kassa.kit.problem import Invalid
from kassa.mail.message import message_of
from kassa.mail.postmen import Files, Postman

if TYPE_CHECKING:
    from kassa.mail.rendering import Renderer


Foot = Callable[[str], Awaitable[tuple[str, str]]]


class MailService:
    """Satisfies contracts.mail.Mails. `foot` tells for a language the name that mails are from, and what stands at
    their foot; `sender` is their address, `templates` where the shop's own are."""

    def __init__(self, postman: Postman, foot: Foot, sender: str, templates: Path | None = None) -> None:
        self._templates = templates
        self._postman = postman
        self._foot = foot
        self._sender = sender

    async def send(self, mail: Mail) -> None:
        """See contracts.mail.Mails."""
        if mail.locale not in LOCALES or not is_any_id(mail.about) or not 0 < len(mail.cause) <= MOST_CAUSE:
            raise Invalid("the mail has a language that there are no texts in, is about nothing, or has no cause")
        normalised_email(mail.to)
        shop, foot = await self._foot(mail.locale)
        rendered = self._renderer(shop, foot).render(mail.kind, mail.locale, mail.says)
        await self._postman.send(mail, message_of(mail, rendered, shop, self._sender))

    def _renderer(self, shop: str, foot: str) -> "Renderer":
        from kassa.mail.rendering import Renderer  # Where no mail is sent nobody needs what it renders with.

        return Renderer(shop, self._templates, foot)

    async def forget(self, about: str) -> None:
        """See contracts.mail.Mails."""
        await self._postman.forget(about)

    def kept(self) -> Files:
        """Where mails lie, if they are put into files; MailsNotKept."""
        if not isinstance(self._postman, Files):
            raise MailsNotKept("mails go to the mail server of MAIL_URL, and no copies are kept here")
        return self._postman


class NoMails:
    """What stands in where a shop sends no mails."""

    async def send(self, mail: Mail) -> None:
        """See contracts.mail.Mails."""
        raise MailRefused("this shop sends no mails any more (MAIL_URL=off)")

    async def forget(self, about: str) -> None:
        """See contracts.mail.Mails: nothing is kept."""

    def kept(self) -> Files:
        """MailsNotKept."""
        raise MailsNotKept("this shop sends no mails (MAIL_URL=off)")
