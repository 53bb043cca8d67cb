"""Mail: what a shop writes to somebody. The order service's process sends it, whichever service wants it sent."""

from typing import Any, Protocol

import msgspec

from kassa.kit.clock import Millis
from kassa.kit.languages import LANGUAGES, nearest
from kassa.kit.problem import Problem
from kassa.kit.wire import post

LOCALES = LANGUAGES
"""The languages in which a shop writes; the first one to everybody whose language is none of them."""
ANY = "*"
"""The language of whoever has not said one: that of the account, or else the first one."""
MOST_CAUSE = 200


class MailRefused(Problem):
    """The mail server does not take this mail, and will not if it is asked again; the text says why."""

    code, title, status = "mail_refused", "The mail server refuses the mail", 422


class MailsNotKept(Problem):
    """The shop keeps no mails that could be shown; the text says where they go."""

    code, title, status = "mails_not_kept", "Mails are not kept here", 404


class Mail(msgspec.Struct, frozen=True, rename="camel"):
    """A mail to one address. `cause` is the id of the effect that wants it: mails of one cause are one, and have one
    `Message-ID`. `about` is the order or the account; `kind` the template; `says` what the template is given, `links`
    among it. `at` is when it was wanted. `unsubscribe`: where one ends what it is one of, by
    one click."""

    cause: str
    about: str
    kind: str
    to: str
    locale: str
    at: Millis
    says: dict[str, Any]
    unsubscribe: str = ""

    def __repr__(self) -> str:
        return f"Mail(kind={self.kind!r}, about={self.about!r})"


class Mails(Protocol):
    """Sends mails."""

    @post("/mails/send", callers=("auth",))
    async def send(self, mail: Mail) -> None:
        """Send it. Asked again for the same cause it is the same mail once more, which mail programs show once.
        MailRefused; Unavailable while the mail server cannot be reached."""

    @post("/mails/forget", callers=("auth",))
    async def forget(self, about: str) -> None:
        """Remove what was kept of the mails about this order or account. Asking again is a no-op."""


def language(text: str) -> str:
    """That of LOCALES that comes nearest to what a browser says it wants."""
    return nearest(text, LOCALES)
