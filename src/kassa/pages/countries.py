"""Countries as staff types them."""

from functools import cache

from babel import Locale

from kassa.kit.languages import LANGUAGES


def country_code(typed: str) -> str:
    """The two letters of a country that is typed as those, or by its name in one of the shop's languages; what is no
    country stays as it is, in capitals, so that it can be refused."""
    text = " ".join(typed.split())
    return _codes().get(text.casefold(), text.upper())


@cache
def _codes() -> dict[str, str]:
    names = [(name, code) for tag in LANGUAGES for code, name in Locale.parse(tag).territories.items()]
    return {name.casefold(): code for name, code in names if len(code) == len("DE")}
