"""E-mail addresses: what can be one, and the one spelling of all that look the same."""

import re

from kassa.kit.problem import Invalid
from kassa.kit.text import domain_name, is_far_too_long, normalised

LONGEST_EMAIL = 254  # RFC 5321, 4.5.3.1.3: a path has 256 octets, two of which are its brackets.
_LOCAL = re.compile(r"[^\s@\x00-\x1f\x7f]{1,64}")
_DOMAIN = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?(?:\.[^\W_](?:[\w-]{0,61}[^\W_])?)+")


def normalised_email(text: str) -> str:
    """The address as it is stored; Invalid if it is none."""
    email = one_spelling(text)
    if len(email) > LONGEST_EMAIL:
        raise Invalid.field("email", f"must have at most {LONGEST_EMAIL} characters")
    local, _, domain = email.rpartition("@")
    if not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        raise Invalid.field("email", "must be an email address such as ada@example.com")
    return email


def one_spelling(text: str) -> str:
    """What all addresses that look the same have in common, whether it can be an address or not; never cut."""
    if is_far_too_long(text, LONGEST_EMAIL):
        return text
    # What is not seen goes first: how a capital is written small may depend on the letters beside it.
    seen = normalised(normalised(text, LONGEST_EMAIL).lower(), LONGEST_EMAIL)
    local, at, domain = seen.rpartition("@")
    if len(domain) > LONGEST_EMAIL:
        return seen
    try:
        return f"{local}{at}{domain_name(domain)}"
    except ValueError:
        return f"{local}{at}{domain}"  # No host is called so today; of former releases there may be accounts.
