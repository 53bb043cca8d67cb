"""Mails in words: a template for each kind and language, which a shop can put its own in place of.

A template begins with the subject, then come blocks with blank lines between them: paragraphs; `[goods]`, the order's
lines and total; `[words](address)` for a link, and `_[words](address)_` for one that few need. The text and
the HTML are made of the same blocks, so that they say the same.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, select_autoescape

from kassa.kit.formats import Formats
from kassa.kit.problem import Unavailable
from kassa.mail.goods import goods_of
from kassa.mail.message import Rendered

OWN = Path(__file__).parent / "templates"
GOODS = "[goods]"
WIDTH = 72
"""Characters of a line (RFC 5322, 2.1.1: no more than 78)."""
_LINK = re.compile(r"(_?)\[([^\]\n]+)\]\((https?://\S+)\)\1")


class Block(NamedTuple):
    """A part of a mail: a paragraph, the goods, or a link with its words."""

    kind: str
    text: str = ""
    address: str = ""


class Renderer:
    """Renders mails of a shop of this name. `own` is a directory with templates in place of Kassa's, file by file;
    `foot` are the lines that stand below each."""

    def __init__(self, shop: str, own: Path | None = None, foot: str = "") -> None:
        self._shop = shop
        self._foot = foot.splitlines()
        self._own = own
        self._templates = _templates(own)

    def render(self, kind: str, locale: str, says: Mapping[str, Any]) -> Rendered:
        """The mail; Unavailable while a template cannot be used: somebody has to mend it."""
        try:
            labels = self._labels(locale)
            goods = goods_of(says["order"], labels, Formats(locale)) if "order" in says else None
            known = {
                **says,
                "shop": self._shop,
                "foot": self._foot,
                "goods": goods,
                "labels": labels,
                **_filters(says, locale),
            }
            words = self._templates.get_template(f"{locale}/{kind}.txt").render(known)
            subject, _, body = words.strip().partition("\n")
            blocks = [_block(each) for each in re.split(r"\n\s*\n", body.strip())]
            text = self._templates.get_template("layout.txt").render(known, blocks=blocks, width=WIDTH)
            html = self._templates.get_template("layout.html").render(
                known, blocks=blocks, subject=subject, locale=locale
            )
        except Exception as error:  # whatever is wrong in a template of the shop's own
            raise Unavailable(f"the mail {locale}/{kind} cannot be rendered: {error}") from error
        return Rendered(" ".join(subject.split()), text, html)

    def _labels(self, locale: str) -> dict[str, str]:
        own = None if self._own is None else self._own / locale / "labels.toml"
        return {**_read(OWN / locale / "labels.toml"), **(_read(own) if own is not None and own.exists() else {})}


def _filters(says: Mapping[str, Any], locale: str) -> dict[str, Any]:
    formats = Formats(locale)
    currency = says["order"]["currency"] if "order" in says else ""
    return {"money": lambda amount: formats.money(amount, currency), "time": formats.time, "country": formats.country}


def _block(text: str) -> Block:
    text = text.strip()
    if text == GOODS:
        return Block("goods")
    if link := _LINK.fullmatch(text):
        return Block("small link" if link[1] else "link", link[2], link[3])
    return Block("paragraph", " ".join(text.split()))


@cache
def _templates(own: Path | None) -> Environment:
    """One for all processes that the simulation starts in one: what is compiled stays so. Files that change are read
    again."""
    return Environment(
        loader=ChoiceLoader([FileSystemLoader(place) for place in (own, OWN) if place is not None]),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _read(path: Path) -> dict[str, str]:
    return tomllib.loads(path.read_text("utf-8"))
