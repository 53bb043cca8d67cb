"""In which language a visitor is answered, and the shop's texts in it.

Texts are written in English, as `_("Add to cart")`; what another language says is in `locale/<language>/LC_MESSAGES/`
(GNU gettext). What is written where no visitor is known, such as in a table, is marked with `later("Added.")` and goes
through `_()` when it is shown.
"""

import gettext as catalogues
import io
from collections.abc import Sequence
from contextvars import ContextVar
from functools import cache
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from kassa.kit.formats import Formats
from kassa.kit.languages import LANGUAGES, nearest

COOKIE = "kassa_language"
_PLACE = Path(__file__).parent / "locale"


class Language:
    """One that the shop is shown in: texts by its language, formats by all of its tag (`de-AT`)."""

    def __init__(self, tag: str) -> None:
        self._locale = Locale.parse(tag, sep="-")
        self.tag = tag
        self.texts = _texts(self._locale.language)
        self.formats = Formats(tag)

    @property
    def name(self) -> str:
        """What who speaks it calls it."""
        name = self._locale.get_display_name() or self.tag
        return name[:1].upper() + name[1:]


@cache
def language(tag: str) -> Language:
    """That of one of the tags that a shop offers."""
    return Language(tag)


_spoken: ContextVar[str] = ContextVar("language", default=LANGUAGES[0])


def speak(tag: str) -> None:
    """Answer this visitor so."""
    _spoken.set(tag)


def spoken() -> Language:
    """How this visitor is answered."""
    return language(_spoken.get())


def chosen(offered: Sequence[str], kept: str, accepted: str) -> str:
    """The one of what the shop offers that the visitor has `kept`; else what the browser accepts; else the first."""
    return kept if kept in offered else nearest(accepted, offered)


@cache
def _texts(name: str) -> catalogues.NullTranslations:
    path = _PLACE / name / "LC_MESSAGES" / "messages.po"
    if not path.exists():
        return catalogues.NullTranslations()
    compiled = io.BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=name))
    compiled.seek(0)
    return catalogues.GNUTranslations(compiled)


def later(text: str) -> str:
    """Marks a text that `_()` translates when it is shown."""
    return text


def gettext(text: str) -> str:
    """The text in the visitor's language; `_` is it with what stands in it."""
    return spoken().texts.gettext(text)


def ngettext(one: str, many: str, num: int) -> str:
    """That of so many, in the visitor's language. For Jinja, which fills in `%(num)s` and the like."""
    return spoken().texts.ngettext(one, many, num)


def _(text: str, **filled: object) -> str:
    """The text in the visitor's language, with what stands in it as `%(name)s`."""
    said = gettext(text)
    return said % filled if filled else said


def _n(one: str, many: str, num: int, **filled: object) -> str:
    """So many of something, in the visitor's language; `%(num)s` is the number."""
    return ngettext(one, many, num) % {"num": num, **filled}
