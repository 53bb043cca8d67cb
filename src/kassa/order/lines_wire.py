"""Pieces of products over the wire."""

from collections.abc import Iterable
from typing import Annotated

import msgspec

from kassa.contracts.inventory import Line
from kassa.kit.lists import Id, documented
from kassa.order.domain import MAX_QUANTITY


class NewLine(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """So many pieces of one product."""

    product_id: Id
    quantity: Annotated[int, documented("Pieces", minimum=1, maximum=MAX_QUANTITY)]


class PiecesOut(msgspec.Struct, frozen=True, rename="camel"):
    """So many pieces of one product of the order."""

    product_id: str
    quantity: int


def pieces_shown(lines: Iterable[Line]) -> list[PiecesOut]:
    """The pieces as the wire shows them."""
    return [PiecesOut(line.product_id, line.quantity) for line in lines]
