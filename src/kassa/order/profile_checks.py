"""What is wrong with a shop's profile, all of it at once; and what is stored where nothing is. Pure."""

import re

from kassa.kit.clock import Millis
from kassa.kit.colour import DARK, LEAST, LIGHT, Scheme, least_contrast, readable
from kassa.kit.languages import LANGUAGES
from kassa.kit.problem import FieldError, Invalid
from kassa.kit.text import LINES, LONGEST_SHOP_NAME, ONE_LINE, SHOP_NAME, normalised, normalised_lines
from kassa.order.profile import ID, LEGAL, ORDER_BUTTONS, Link, Profile, Texts
from kassa.order.profile_wire import (
    ADDRESS,
    COLOUR,
    LONGEST_ADDRESS,
    LONGEST_FOOTER,
    LONGEST_LABEL,
    LONGEST_LEGAL,
    LONGEST_PARAGRAPH,
    MOST_LINKS,
    ShopProfileIn,
    TextsIn,
)

_NAME, _ADDRESS, _COLOUR = re.compile(SHOP_NAME), re.compile(ADDRESS), re.compile(COLOUR)
_LINES, _ONE_LINE = re.compile(LINES), re.compile(ONE_LINE)


def checked(given: ShopProfileIn, now: Millis) -> Profile:
    """The profile as it is stored; Invalid with all that is wrong."""
    errors: list[FieldError] = []
    light, dark = _accents(given, errors)
    if given.order_button not in ORDER_BUTTONS:
        errors.append(FieldError("orderButton", f"must be one of {', '.join(ORDER_BUTTONS)}"))
    languages = tuple(given.languages)
    if not languages or len(set(languages)) < len(languages) or not set(languages) <= set(LANGUAGES):
        errors.append(FieldError("languages", f"must be some of {', '.join(LANGUAGES)}, each once"))
    spoken = [each.language for each in given.texts]
    if len(set(spoken)) < len(spoken) or not set(spoken) <= set(LANGUAGES):
        errors.append(FieldError("texts", f"must be in {', '.join(LANGUAGES)}, each once"))
    profile = Profile(
        id=ID,
        name=_name(given.name, errors),
        logo=_address("logo", given.logo, errors),
        logo_dark=_address("logoDark", given.logo_dark, errors),
        accent_light=light,
        accent_dark=dark,
        order_button=given.order_button,
        languages=languages,
        texts=tuple(_texts(f"texts[{at}]", each, errors) for at, each in enumerate(given.texts[: len(LANGUAGES)])),
        updated_at=now,
    )
    if errors:
        raise Invalid.fields(errors)
    return profile


def _name(name: str | None, errors: list[FieldError]) -> str:
    if name is None:
        return ""
    line = normalised(name, LONGEST_SHOP_NAME)
    if len(line) > LONGEST_SHOP_NAME or not _NAME.fullmatch(line):
        wanted = f'must be one line of 1 to {LONGEST_SHOP_NAME} characters, without " < > and @'
        errors.append(FieldError("name", wanted))
    return line


def _address(field: str, address: str | None, errors: list[FieldError]) -> str:
    if address is not None and (len(address) > LONGEST_ADDRESS or not _ADDRESS.fullmatch(address)):
        wanted = f"must begin with https://, or with / for this site, and have at most {LONGEST_ADDRESS} characters"
        errors.append(FieldError(field, wanted))
    return address or ""


def _accents(given: ShopProfileIn, errors: list[FieldError]) -> tuple[str, str]:
    """Both colours, or none; where one is missing, what can be read of the other."""
    schemes = {"accentLight": (given.accent_light, LIGHT), "accentDark": (given.accent_dark, DARK)}
    wrong = [error for field, each in schemes.items() if (error := _why_unreadable(field, *each))]
    errors += wrong
    if wrong:
        return "", ""
    light, dark = given.accent_light or given.accent_dark, given.accent_dark or given.accent_light
    return (readable(light, LIGHT), readable(dark, DARK)) if light and dark else ("", "")


def _why_unreadable(field: str, colour: str | None, scheme: Scheme) -> FieldError | None:
    if colour is None:
        return None
    if not _COLOUR.fullmatch(colour):
        return FieldError(field, "must be a # and six digits or letters from a to f, such as #0b5d52")
    found, how = least_contrast(colour, scheme), "darker" if scheme is LIGHT else "lighter"
    if found >= LEAST:
        return None
    return FieldError(
        field,
        f"must be {how}: its contrast with the page is {found:.2f}, and text needs {LEAST} (WCAG 2.2, 1.4.3). "
        f"{readable(colour, scheme)} is the nearest that will do",
    )


def _texts(field: str, given: TextsIn, errors: list[FieldError]) -> Texts:
    if len(given.links) > MOST_LINKS:
        errors.append(FieldError(f"{field}.links", f"must be at most {MOST_LINKS}"))
    known = enumerate(given.links[:MOST_LINKS])
    links = [_link(f"{field}.links[{at}]", each.label, each.address, errors) for at, each in known]
    legal = {name: _legal(f"{field}.{name}", getattr(given, name), errors) for name in LEGAL}
    footer = _lines(f"{field}.footer", given.footer, LONGEST_FOOTER, errors)
    return Texts(given.language, footer, tuple(links), **legal)


def _link(field: str, label: str, address: str, errors: list[FieldError]) -> Link:
    line = normalised(label, LONGEST_LABEL)
    if len(line) > LONGEST_LABEL or not _ONE_LINE.fullmatch(line):
        errors.append(FieldError(f"{field}.label", f"must be one line of 1 to {LONGEST_LABEL} characters"))
    return Link(line, _address(f"{field}.address", address, errors))


def _legal(field: str, text: str, errors: list[FieldError]) -> str:
    lines = _lines(field, text, LONGEST_LEGAL, errors)
    if len(lines) <= LONGEST_LEGAL and any(len(each) > LONGEST_PARAGRAPH for each in lines.split("\n\n")):
        wanted = f"must have paragraphs of at most {LONGEST_PARAGRAPH} characters: put empty lines between them"
        errors.append(FieldError(field, wanted))
    return lines


def _lines(field: str, text: str, longest: int, errors: list[FieldError]) -> str:
    lines = normalised_lines(text, longest)
    if len(lines) > longest or not _LINES.fullmatch(lines):
        errors.append(FieldError(field, f"must be at most {longest} characters, without control characters"))
    return lines
