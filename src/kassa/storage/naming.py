"""How collections, fields and indexes are named, and what lists are ordered by: in every database alike."""

import re

import msgspec

from kassa.kit.documents import Index

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def checked(name: str) -> str:
    """The name, which is safe to be put into a command; ValueError if it is not."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot name a collection, a field or an index")
    return name


def with_sort(index: Index, sort: str) -> Index:
    """A plain index ends with the sort field, so that lists by it come out in order."""
    if index.unique or sort in index.fields:
        return index
    return msgspec.structs.replace(index, fields=(*index.fields, sort))
