"""What is asked of parcels and returns, in the order service's own terms; and what is answered."""

from typing import Any

from litestar import Request

from kassa.kit.access import Permission
from kassa.kit.identity import Principal
from kassa.kit.problem import Invalid, NotFound
from kassa.kit.text import is_far_too_long
from kassa.order.domain import Order
from kassa.order.fulfilling import WORK, Fulfilling
from kassa.order.parcels_wire import LONGEST_WHY
from kassa.order.wire import OrderAnswer, shown

_MOST_DIGITS = 3


def answered(order: Order, who: Principal) -> OrderAnswer:
    """The order as who asks may see it."""
    is_for_staff = who.may(WORK) or who.may(Permission.READ_ORDERS)
    return OrderAnswer(shown(order, is_for_staff=is_for_staff))


def fulfilling(request: Request[Any, Any, Any]) -> Fulfilling:
    """Who does it."""
    found: Fulfilling = request.app.state["fulfilling"]
    return found


def number_of(text: str) -> int:
    """The number of a shipment or return of an order; NotFound for what is none."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise NotFound("there is no such number in this order")
    return int(text)


def words(text: str, field: str) -> str:
    """What people have written, without blanks around it; Invalid if it is too long."""
    said = text if is_far_too_long(text, LONGEST_WHY) else text.strip()
    if len(said) > LONGEST_WHY:
        raise Invalid.field(field, f"must have at most {LONGEST_WHY} characters")
    return said
