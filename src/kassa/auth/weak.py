"""Passwords that must not be chosen: what many have chosen, and what is known of the one who chooses.

By NIST SP 800-63B-4, 3.1.1.2 and ASVS 5.0, 6.2: a whole password is looked for in a list of those that are used most
and were found in breaches, and so is what it is when the usual disguises are undone (signs for letters or between
them, digits around it, doubled, backwards); words of the account and of the shop do not count; nothing is said of
its composition.
Whoever has such a password already can still log in with it.
"""

import gzip
import re
import unicodedata
from functools import cache
from importlib import resources
from itertools import pairwise

from kassa.auth.domain import SHORTEST_PASSWORD, checked_password
from kassa.kit.problem import Invalid

SHOP_WORDS = ("kassa", "shop")
_LIST = "common_passwords.txt.gz"
_LONGEST_PIECE = 4
_SHORTEST_WORD = 3
_LONGEST_SWAPPED = 32
_LEAST_OF_ITS_OWN = 6
"""Characters that must be left, letters among them, when the words of the account and of the shop are taken out."""
_LEAST_CORE = 4
_ADVICE = "tried first; choose another one, say a few words in a row"
_STEPS_OF_A_RUN = 4
_LOOKS_LIKE = "@4a 3e 0o $5s 7+t 8b"
_LETTERS = {ord(sign): each[-1] for each in _LOOKS_LIKE.split() for sign in each[:-1]}
_DISGUISES = tuple({**_LETTERS, **dict.fromkeys(map(ord, "1!|"), letter)} for letter in "il")
"""What stands for which letter; for two it is the same."""
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890")
_NEIGHBOURS = {"".join(pair) for row in _ROWS for line in (row, row[::-1]) for pair in pairwise(line)}


def checked(password: str, email: str, name: str = "", field: str = "password") -> str:
    """The password, if the account of this address and name may choose it; Invalid, which says why, else."""
    checked_password(password, field)
    plain = unicodedata.normalize("NFKC", password).casefold()
    if wrong := _weakness(" ".join(plain.split()), email.casefold(), name.casefold()):
        raise Invalid.field(field, wrong)
    return password


def _weakness(password: str, email: str, name: str) -> str | None:
    """Why it must not be chosen. Blanks in a row are one: they are not seen, and easily mistyped."""
    if len(password) < SHORTEST_PASSWORD:
        return f"must have at least {SHORTEST_PASSWORD} characters; blanks in a row count as one"
    if _is_common(password):
        return f"is one of the most used passwords, or is one in disguise, and those are {_ADVICE}"
    if _is_repeated(password) or _is_of_runs(password):
        return "must not be the same few characters again and again, or rows of the alphabet or the keyboard"
    if any(_is_of(each, email, name) for each in {password, *_undisguised(_core(password))}):
        return "must not be made of your address, your name or the shop's name"
    return None


def _undisguised(text: str) -> set[str]:
    """The text, and what it may be meant to be read as: `P@ssw0rd` is one word, however it is spelled."""
    return {text, *(text.translate(each) for each in _DISGUISES)}


def _core(text: str) -> str:
    """The text without the digits and signs around it, which are what most add when a password is refused."""
    letters = [place for place, sign in enumerate(text) if sign.isalpha()]
    return text[letters[0] : letters[-1] + 1] if letters else ""


def _is_common(password: str) -> bool:
    """Whether the password, or what it repeats, is in the list: as it is, backwards, or disguised."""
    joined = _letters_apart(password) or password.replace(" ", "")
    piece = joined[: _period(joined)]
    entries = {piece, piece[::-1], password, password[::-1]}
    if any(b"\n%b\n" % each.encode("utf-8", "surrogatepass") in _common() for each in entries):
        return True
    spelled = {_core(form) for each in (piece, _core(piece)) for form in _undisguised(each)}
    return any(form in _cores() for each in spelled for form in (each, each[::-1], each[: _period(each)]))


def _letters_apart(password: str) -> str:
    """The characters of `p.a s-s`, without what stands between each two of them; empty if it is not written so."""
    single = re.split(r"[\W_]+", password)
    return "".join(single) if max(map(len, single)) == 1 else ""


def _period(text: str) -> int:
    """After how many characters the text begins again; its length, if it does not."""
    return (text + text).find(text, 1) if text else 0


@cache
def _cores() -> frozenset[str]:
    """What the list's entries are variants of."""
    entries = _common().decode().split()
    return frozenset(core for each in entries for core in (_core(each),) if len(core) >= _LEAST_CORE)


@cache
def _common() -> bytes:
    """The list, each entry between two line ends. Found in it is what is between two line ends: 20 to 200 µs."""
    return gzip.decompress(resources.files(__package__).joinpath(_LIST).read_bytes())


def _is_repeated(password: str) -> bool:
    size = len(password)
    is_short = any((password[:piece] * size)[:size] == password for piece in range(1, _LONGEST_PIECE + 1))
    return is_short or _period(password) < min(size, SHORTEST_PASSWORD)


def _is_of_runs(password: str) -> bool:
    """Whether it is made of few rows: of characters that follow each other, are the same, or lie side by side."""
    breaks = sum(abs(ord(a) - ord(b)) > 1 and a + b not in _NEIGHBOURS for a, b in pairwise(password))
    return breaks + 1 < SHORTEST_PASSWORD and (breaks + 1) * _STEPS_OF_A_RUN <= len(password)


def _is_of(password: str, email: str, name: str) -> bool:
    local, _, domain = email.partition("@")
    split = re.split(r"[\W_]+", f"{local} {domain} {name}")
    parts = {email, local, domain, *split, *map(_core, (local, *split)), *SHOP_WORDS}
    words = {form for part in parts if len(part) >= _SHORTEST_WORD for form in _misspelled(part)}
    left = password
    for word in sorted(words, key=lambda each: (-len(each), each)):
        left = left.replace(word, "")
    is_of_its_own = len(left) >= _LEAST_OF_ITS_OWN and any(map(str.isalpha, left))
    return left != password and not is_of_its_own


def _misspelled(word: str) -> set[str]:
    """The word, backwards, and with two neighbours swapped."""
    forms = {word, word[::-1]}
    if _SHORTEST_WORD < len(word) <= _LONGEST_SWAPPED:
        forms |= {f"{word[:n]}{word[n + 1]}{word[n]}{word[n + 2 :]}" for n in range(len(word) - 1)}
    return forms
