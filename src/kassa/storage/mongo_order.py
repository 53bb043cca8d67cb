"""In what order MongoDB lists documents, behind which one it goes on, and by which index."""

from typing import Any

from kassa.kit.documents import By, Order, Where
from kassa.storage.mongo_lanes import Stored
from kassa.storage.mongo_shape import OURS, Shape
from kassa.storage.naming import checked, with_sort


def sorting(shape: Shape[Any], order: Order, by: By | None) -> dict[str, int]:
    """What to sort by."""
    way = -1 if order == "newest" else 1
    fields = [*([by.field] if by else []), shape.spec.sort]
    return {shape.name(field): way for field in fields}


def behind(shape: Shape[Any], after: str | None, order: Order, by: By | None) -> list[Stored]:
    """The filter that passes what comes behind the document with this sort value."""
    if after is None:
        return []
    sign, sort = "$lt" if order == "newest" else "$gt", shape.name(shape.spec.sort)
    beyond: Stored = {sort: {sign: int(after) if shape.kind(shape.spec.sort) is int else after}}
    if by is None:
        return [beyond]
    first = shape.name(by.field)
    return [{"$or": [{first: {sign: by.after}}, {first: by.after, **beyond}]}]


def index_in_order(shape: Shape[Any], where: Where, by: By | None) -> str | None:
    """The index that has what matches in its order, if there is one: of several that could be used the server tries
    what they are good for, and on few documents that is chance."""
    if not all(test is None or isinstance(test, str | int) for test in where.values()):
        return None
    behind_them = [*([by.field] if by else []), shape.spec.sort]
    for index in shape.spec.indexes:
        fields = list(with_sort(index, shape.spec.sort).fields)
        is_plain = not (index.unique or index.sparse or index.each)
        if is_plain and set(fields[: len(where)]) == set(where) and fields[len(where) :] == behind_them:
            return OURS + checked(index.name)
    return None
