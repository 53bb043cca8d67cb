"""Where parcels are followed: the pages of some carriers, as their own sites have them. Pure."""

import re
from urllib.parse import quote

from kassa.contracts.parts import Address
from kassa.kit.problem import Invalid
from kassa.kit.text import NO_CONTROLS, ONE_LINE, normalised

LONGEST_CARRIER = 60
LONGEST_NUMBER = 60
LONGEST_URL = 500
_ONE_LINE = re.compile(ONE_LINE)
PAGE = r"^https://[A-Za-z0-9.-]+(:443)?([/?#][!-\[\]-~]*)?$"
"""Of an address (RFC 3986: all of it is ASCII): no user in front of the host, nothing unseen, no backslash."""
_PAGE = re.compile(PAGE)
_PAGES = {
    "dhl": "https://www.dhl.com/global-en/home/tracking.html?tracking-id={number}",
    "ups": "https://www.ups.com/track?tracknum={number}",
    "fedex": "https://www.fedex.com/fedextrack/?trknbr={number}",
    "dpd": "https://tracking.dpd.de/status/en_US/parcel/{number}",
    "gls": "https://gls-group.eu/EU/en/parcel-tracking?match={number}",
    "usps": "https://tools.usps.com/go/TrackConfirmAction?tLabels={number}",
    "royalmail": "https://www.royalmail.com/track-your-item#/tracking-results/{number}",
    "postnl": "https://jouw.postnl.nl/track-and-trace/{number}-{country}-{postal_code}",
    "laposte": "https://www.laposte.fr/outils/suivre-vos-envois?code={number}",
}
KNOWN = ("DHL", "UPS", "FedEx", "DPD", "GLS", "USPS", "Royal Mail", "PostNL", "La Poste")


def one_line(text: str, longest: int, field: str) -> str:
    """The text in one spelling, if there is any; Invalid if it is too long, or more than a line."""
    line = normalised(text, longest)
    if len(line) > longest:
        raise Invalid.field(field, f"must have at most {longest} characters")
    if not re.fullmatch(NO_CONTROLS, text) or (line and not _ONE_LINE.fullmatch(line)):
        raise Invalid.field(field, "must be one line without control characters")
    return line


def page_of(carrier: str, number: str, to: Address | None) -> str:
    """The carrier's page about the parcel; empty for a carrier that is not known here, or where more is needed to be
    shown it."""
    page = _PAGES.get(re.sub(r"[\s.-]", "", carrier).casefold(), "") if number else ""
    if "{country}" in page and (to is None or not to.postal_code):
        return ""
    country, code = ("", "") if to is None else (to.country, to.postal_code.replace(" ", ""))
    return page.format(number=quote(number, safe=""), country=country, postal_code=quote(code, safe=""))


def checked_page(text: str, field: str = "trackingUrl") -> str:
    """The address of a page that buyers are sent to; Invalid for any that is not https, or hides where it leads."""
    if len(text) > LONGEST_URL:
        raise Invalid.field(field, f"must have at most {LONGEST_URL} characters")
    if not _PAGE.fullmatch(text):
        raise Invalid.field(field, "must be the address of a page as browsers copy it, beginning with https://")
    return text
