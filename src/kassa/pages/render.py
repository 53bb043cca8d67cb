"""Templates, their filters, and the headers that every page carries."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from kassa.kit.text import counted
from kassa.pages import formats, words
from kassa.pages.catalogue_models import Product
from kassa.pages.console_menu import menu
from kassa.pages.devices import device
from kassa.pages.language import language, ngettext, spoken
from kassa.pages.responsive import sized
from kassa.pages.settings import PageSettings
from kassa.pages.statics import Statics

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
MOST_CARDS = 1000
"""Of so many a process keeps the HTML: each is about a kilobyte."""
MOST_TEXTS = 4000
_POLICY = (
    "default-src 'none'; img-src 'self' https: data:; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; form-action {targets}"
)


@dataclass(frozen=True)
class Renderer:
    """Makes HTML of a template and what it shows. Everything that is shown is escaped, unless marked otherwise."""

    settings: PageSettings
    environment: Environment

    def html(self, template: str, **shown: Any) -> str:
        """What the template makes of what is shown, in the visitor's language."""
        return self.environment.get_template(template).render(**shown)

    def headers(self, *, leads_to_payment: bool = False) -> dict[str, str]:
        """Browsers apply `form-action` to redirects too, so a form that ends at the payment page must name it."""
        targets = "'self'"
        if leads_to_payment:
            targets += " https: http:" if self.settings.sandbox else " https:"
        return {**HEADERS, "Content-Security-Policy": _POLICY.format(targets=targets)}


def make_renderer(settings: PageSettings, statics: Statics) -> Renderer:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(_filters(settings))
    _translate(environment)
    environment.globals.update(
        shop=settings,
        asset=statics.address,
        STATUSES=words.STATUSES,
        EXCLUSIONS=words.EXCLUSION_CHOICES,
        new_key=new_key,
        card=_kept_cards(environment),
        console_menu=menu,
    )
    return Renderer(settings, environment)


def _filters(settings: PageSettings) -> dict[str, Callable[..., object]]:
    return {
        "money": formats.money,
        "amount": formats.amount,
        "major": formats.major_text,
        "plural": counted,
        "count": formats.count,
        "status_word": words.status_word,
        "sentence": words.sentence,
        "why": words.why,
        "what_next": words.what_next,
        "dispute_words": words.dispute_words,
        "picture": picture,
        "pictures": pictures,
        "sized": sized,
        "percent": formats.percent,
        "when": partial(when, settings),
        "clock": clock,
        "exact": formats.exact,
        "minute": formats.minute,
        "day": formats.day,
        "exclusion": words.exclusion,
        "device": device,
        "query": query,
    }


def _kept_cards(environment: Environment) -> Callable[..., Markup]:
    """What makes the card of a product, by `_cards.html`; or has made the very same one before."""

    @lru_cache(MOST_CARDS)
    def made(_: str, product: Product, few: int, *, is_below: bool, can_add: bool) -> Markup:
        template: Any = environment.get_template("_cards.html").module
        html: Markup = template.card(product, few, is_below, can_add)
        return html

    def card(product: Product, few: int, *, is_below: bool, can_add: bool) -> Markup:
        return made(spoken().tag, product, few, is_below=is_below, can_add=can_add)

    return card


def _translate(environment: Environment) -> None:
    """By functions that do what those of Jinja's extension do, for a third of the time."""
    environment.globals.update(spoken=spoken, language=language, _=text, gettext=text, ngettext=text_of)
    environment.policies["ext.i18n.trimmed"] = True
    environment.newstyle_gettext = True  # type: ignore[attr-defined]


def text(said: str, /, **filled: object) -> Markup:
    """A text of the shop in the visitor's language, as HTML; what is filled in is escaped."""
    found = _marked(spoken().tag, said)
    return found % filled if filled or "%%" in found else found


@lru_cache(MOST_TEXTS)
def _marked(tag: str, said: str) -> Markup:
    return Markup(language(tag).texts.gettext(said))  # noqa: S704 (our own words)


def text_of(one: str, many: str, num: int, /, **filled: object) -> Markup:
    """That of so many."""
    return Markup(ngettext(one, many, num)) % {"num": num, **filled}  # noqa: S704 (our own words)


def new_key() -> str:
    """An idempotency key for one form on one page."""
    return secrets.token_urlsafe(18)


def when(settings: PageSettings, at: datetime | None) -> Markup:
    """A relative time, with the exact one on hover and for machines."""
    if at is None:
        return Markup("–")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        at.isoformat(), formats.exact(at), formats.relative(at, settings.now)
    )


def clock(at: datetime) -> Markup:
    """The time of day, in UTC; where scripts run, by the clock of whoever looks."""
    return Markup('<time datetime="{}" data-clock>{}</time>').format(at.isoformat(), formats.clock(at))


def picture(images: tuple[str, ...]) -> str:
    """The first picture that a page may show, or one that says that there is none."""
    return next(iter(pictures(images)), "/shop/static/no-picture.svg")


def pictures(images: tuple[str, ...]) -> list[str]:
    """The pictures that a page may show: those of this site, and those over https."""
    return [
        address
        for address in images
        if address.startswith("https://") or (address.startswith("/") and not address.startswith(("//", "/\\")))
    ]


def query(values: dict[str, object]) -> str:
    """`?q=tea&skip=24`, without what is empty; what is several, several times."""
    given = {name: value for name, value in values.items() if value not in (None, "", 0, [])}
    return "?" + urlencode(given, doseq=True) if given else ""
