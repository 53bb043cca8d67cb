"""Mails that are kept, over the wire."""

import msgspec

from kassa.kit.clock import Timestamp
from kassa.kit.lists import Pagination


class MailOut(msgspec.Struct, frozen=True, rename="camel"):
    """A mail: which one it is, the order or account that it is about, and to whom it went. `sentAt` is its date."""

    id: str
    kind: str
    about: str
    to: str
    subject: str
    sent_at: Timestamp


class WholeMail(MailOut, frozen=True, rename="camel"):
    """A mail with what it says, as text and as HTML."""

    text: str
    html: str


class MailsAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """A page of mails."""

    mails: list[MailOut]
    pagination: Pagination


class MailAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """One mail."""

    mail: WholeMail
