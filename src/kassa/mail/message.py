"""A mail as it goes over the wire (RFC 5322)."""

import hashlib
from datetime import UTC, datetime
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from typing import TYPE_CHECKING, Any, NamedTuple

from kassa.contracts.mail import Mail
from kassa.kit.clock import SECOND
from kassa.kit.text import domain_in_ascii

if TYPE_CHECKING:
    from email.policy import Policy


class _OneWord(BaseHeader):
    """A header of one long word. Python's own way would encode what does not fit into a line (RFC 2047), and no program
    takes that for an address."""

    max_count = 1

    @classmethod
    def parse(cls, value: str, kwds: dict[str, Any]) -> None:
        """As text."""
        UnstructuredHeader.parse(value, kwds)

    def fold(self, *, policy: "Policy[Any]") -> str:
        """It stays on its line, which may have 998 characters (RFC 5322, 2.1.1)."""
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _OneWord)
_ASCII, _LETTERS = SMTP.clone(header_factory=_HEADERS), SMTPUTF8.clone(header_factory=_HEADERS)


class Rendered(NamedTuple):
    """A mail in words."""

    subject: str
    text: str
    html: str


def message_of(mail: Mail, rendered: Rendered, shop: str, sender: str) -> EmailMessage:
    """The mail, from the shop of this name at this address. Of one cause there is one `Message-ID`, so that who gets it
    twice is shown it once."""
    message = EmailMessage(policy=_ASCII if mail.to.rpartition("@")[0].isascii() else _LETTERS)
    message["Subject"] = rendered.subject
    message["From"] = Address(shop, *_parts(sender))
    message["To"] = Address("", *_parts(mail.to))
    message["Date"] = datetime.fromtimestamp(mail.at // SECOND, UTC)
    message["Message-ID"] = f"<{digest_of(mail.cause)}@{_parts(sender)[1]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834, 5: nobody's holiday answers it.
    if mail.unsubscribe:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
        if mail.unsubscribe.startswith("https://"):  # RFC 8058, 3.1: over nothing else.
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(rendered.text)
    message.add_alternative(rendered.html, subtype="html")
    message["Content-Language"] = mail.locale
    return message


def digest_of(cause: str) -> str:
    """What names the mail of this cause, and tells nothing of it."""
    return hashlib.sha256(f"mail:{cause}".encode()).hexdigest()[:32]


def _parts(address: str) -> tuple[str, str]:
    """The address as mail servers know it: a domain in letters is DNS's."""
    local, _, domain = address.rpartition("@")
    return local, domain_in_ascii(domain)
