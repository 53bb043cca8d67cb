"""Passwords that must not be chosen: what many have chosen, and what is known of the one who chooses.

By NIST SP 800-63B-4, 3.1.1.2 and ASVS 5.0, 6.2: a whole password is looked for in a list of those that are used most
and were found in breaches; words of the account and of the shop do not count; nothing is said of its composition.
Whoever has such a password already can still log in with it.
"""

import gzip
import re
from functools import cache
from importlib import resources
from itertools import pairwise

from kassa.auth.domain import SHORTEST_PASSWORD, checked_password
from kassa.kit.problem import Invalid

SHOP_WORDS = ("kassa", "shop")
_LIST = "common_passwords.txt.gz"
_LONGEST_PIECE = 4
_SHORTEST_WORD = 3
_LEAST_OF_ITS_OWN = 6
"""Characters that must be left when the words of the account and of the shop are taken out."""


def checked(password: str, email: str, name: str = "", field: str = "password") -> str:
    """The password, if the account of this address and name may choose it; Invalid, which says why, else."""
    checked_password(password, field)
    if wrong := _weakness(" ".join(password.casefold().split()), email.casefold(), name.casefold()):
        raise Invalid.field(field, wrong)
    return password


def _weakness(password: str, email: str, name: str) -> str | None:
    """Why it must not be chosen. Blanks in a row are one: they are not seen, and easily mistyped."""
    if len(password) < SHORTEST_PASSWORD:
        return f"must have at least {SHORTEST_PASSWORD} characters; blanks in a row count as one"
    if _is_common(password):
        return "is one of the most used passwords, which are tried first; choose another one, say a few words in a row"
    if _is_repeated(password) or _is_a_run(password):
        return "must not be the same few characters again and again, or a row of the alphabet"
    if _is_of(password, email, name):
        return "must not be made of your address, your name or the shop's name"
    return None


def _is_common(password: str) -> bool:
    return b"\n%b\n" % password.encode("utf-8", "surrogatepass") in _common()


@cache
def _common() -> bytes:
    """The list, each entry between two line ends. Found in it is what is between two line ends: 20 to 200 µs."""
    return gzip.decompress(resources.files(__package__).joinpath(_LIST).read_bytes())


def _is_repeated(password: str) -> bool:
    size = len(password)
    return any((password[:piece] * size)[:size] == password for piece in range(1, _LONGEST_PIECE + 1))


def _is_a_run(password: str) -> bool:
    steps = {ord(after) - ord(before) for before, after in pairwise(password)}
    return steps in ({1}, {-1})


def _is_of(password: str, email: str, name: str) -> bool:
    local, _, domain = email.partition("@")
    parts = (email, local, domain, *re.split(r"[\W_]+", f"{local} {domain} {name}"), *SHOP_WORDS)
    left = password
    for word in sorted({part for part in parts if len(part) >= _SHORTEST_WORD}, key=len, reverse=True):
        left = left.replace(word, "")
    return left != password and len(left) < _LEAST_OF_ITS_OWN
