"""Reading the mails that lie in files."""

import email
import os
import stat
from collections.abc import Callable, Collection
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import TypeVar

import msgspec

from kassa.kit.clock import rfc3339
from kassa.kit.lists import Pagination, Paging
from kassa.kit.problem import NotFound
from kassa.mail.postmen import Files, Kept
from kassa.mail.wire import MailOut, WholeMail

T = TypeVar("T")
LARGEST = 1024 * 1024
"""A mail of ours is far below that."""


def page(files: Files, asked: Paging, about: Collection[str] = ()) -> tuple[list[MailOut], Pagination]:
    """A page of the mails, the newest first; only of those `about` one of these, if any are named. Only its files are
    read; one that is damaged is passed over."""
    kept = [each for each in files.newest() if not about or each.about in about]
    rest = [each for each in kept if asked.after is None or _place(each) < asked.after]
    found = rest[asked.skip : asked.skip + asked.limit + 1]
    mails = [mail for each in found[: asked.limit] if (mail := _headers(each)) is not None]
    return mails, asked.pagination(len(kept), found, _place)


def whole(files: Files, mail_id: str) -> WholeMail:
    """One mail; NotFound, too, if its file is damaged."""
    kept = next((each for each in files.newest() if each.id == mail_id), None)
    mail = None if kept is None else _whole(kept)
    if mail is None:
        raise NotFound("there is no such mail; files of mails are kept for 30 days")
    return mail


def _place(kept: Kept) -> str:
    return f"{kept.at:013d}-{kept.id}"


def _headers(kept: Kept) -> MailOut | None:
    return _told(kept, _out)


def _whole(kept: Kept) -> WholeMail | None:
    return _told(kept, _with_text)


def _told(kept: Kept, tell: Callable[[Kept, EmailMessage], T]) -> T | None:
    """What a file says; None if it is damaged."""
    try:
        message = _read(kept.path)
        return None if message is None else tell(kept, message)
    except Exception:  # whatever the standard library says of what is no mail
        return None


def _with_text(kept: Kept, message: EmailMessage) -> WholeMail:
    text, html = (_clean(_part(message, subtype)) for subtype in ("plain", "html"))
    return WholeMail(**msgspec.structs.asdict(_out(kept, message)), text=text, html=html)


def _out(kept: Kept, message: EmailMessage) -> MailOut:
    to, subject = _clean(message["To"]), _clean(message["Subject"])
    return MailOut(kept.id, kept.kind, kept.about, to, subject, rfc3339(kept.at))


def _part(message: EmailMessage, subtype: str) -> object:
    part = message.get_body((subtype,))
    return None if part is None else part.get_content()


def _clean(value: object) -> str:
    """A text, if there is one, that can be written down: some charsets have halves of letters. ValueError."""
    if value is None:
        raise ValueError
    return str(value).encode().decode()


def _read(path: Path) -> EmailMessage | None:
    """The mail in a file; None if it is none, or gone. A link is not followed, and a pipe not waited for."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    told = os.fstat(opened)
    if not stat.S_ISREG(told.st_mode) or told.st_size > LARGEST:
        os.close(opened)
        return None
    with os.fdopen(opened, "rb") as file:
        message = email.message_from_bytes(file.read(LARGEST), policy=default)
    return message if isinstance(message, EmailMessage) else None
