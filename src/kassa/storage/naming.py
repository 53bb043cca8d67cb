"""How collections, fields and indexes are named, what lists are ordered and texts found by: in every database alike."""

import re

import msgspec

from kassa.kit.documents import Index

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def checked(name: str) -> str:
    """The name, which is safe to be put into a command; ValueError if it is not."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot name a collection, a field or an index")
    return name


GRAM = 3
"""Characters of the parts by which texts are found: what is shorter is looked for in all of them."""


def is_found_by_parts(text: str) -> bool:
    """Whether an index over the parts of texts finds what contains this one. A NUL ends a text for some databases."""
    return len(text) >= GRAM and "\0" not in text


def parts_of(text: str) -> list[str]:
    """All that the text has in it of three characters, each once."""
    return list(dict.fromkeys(text[start : start + GRAM] for start in range(len(text) - GRAM + 1)))


def with_sort(index: Index, sort: str) -> Index:
    """A plain index ends with the sort field, so that lists by it come out in order."""
    if index.unique or sort in index.fields:
        return index
    return msgspec.structs.replace(index, fields=(*index.fields, sort))
