"""How the texts of the settings about mails become their values, like reading.py."""

import re
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import unquote, urlsplit

from kassa.app.reading import directory, is_loopback
from kassa.kit.email import normalised_email
from kassa.kit.problem import Invalid
from kassa.kit.text import LONGEST_SHOP_NAME, SHOP_NAME, domain_in_ascii
from kassa.mail.mail_server import Server

_PORTS = {"smtp": 587, "smtps": 465}


class Mailing(NamedTuple):
    """By what mails are sent, from which address, and where the shop's own templates are."""

    by: Server | Literal["files", "off"] = "files"
    sender: str | None = None
    templates: Path | None = None


def shop_name(text: str) -> str:
    """The name of the shop."""
    if len(text) > LONGEST_SHOP_NAME or not re.fullmatch(SHOP_NAME, text):
        raise ValueError(f'must be one line of at most {LONGEST_SHOP_NAME} characters, without " < > and @')
    return text


def mail(text: str) -> Server | Literal["files", "off"]:
    """A mail server, or one of two words."""
    if text.lower() in ("files", "off"):
        return "files" if text.lower() == "files" else "off"
    wrong = "must be files, off, or a mail server such as smtp://user:password@smtp.example.com:587 or smtps://…:465"
    try:
        parts = urlsplit(text)
        port = parts.port or _PORTS[parts.scheme]
        host = domain_in_ascii(parts.hostname or "")
    except (ValueError, KeyError):
        raise ValueError(wrong) from None
    if not host or parts.path.strip("/") or parts.query or parts.fragment or " " in text:
        raise ValueError(wrong)
    if bool(parts.username) is not bool(parts.password):
        raise ValueError("must name both the user and the password, percent-encoded (@ is %40), or neither")
    return Server(
        host,
        port,
        is_tls=parts.scheme == "smtps",
        needs_tls=not is_loopback(host),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def mail_from(text: str) -> str:
    """The address that mails are from."""
    try:
        return normalised_email(text)
    except Invalid as invalid:
        raise ValueError(invalid.errors[0].message) from None


def templates(text: str) -> Path:
    """A directory that is there."""
    found = directory(text)
    if not found.is_dir():
        raise ValueError("must be a directory that is there, with templates such as en/order_confirmed.txt")
    return found
