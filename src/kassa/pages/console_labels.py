"""What people call the orders that something else names by their ids."""

from collections.abc import Iterable, Mapping

from kassa.pages.admins import or_none
from kassa.pages.listed_models import FoundOrders, label_of
from kassa.pages.visit import Visit

_MOST = 50


class Labels(dict[str, str]):
    """By order: its number. Whose number is not known is called by the end of its id."""

    def __missing__(self, order_id: str) -> str:
        return label_of(order_id)


async def labels(visit: Visit, order_ids: Iterable[str | None]) -> Mapping[str, str]:
    """What the orders with these ids are called, the first fifty of them asked for at once; nobody is asked for
    none."""
    wanted = [each for each in dict.fromkeys(order_ids) if each][:_MOST]
    if not wanted:
        return Labels()
    found = await or_none(visit, "/orders/admin/all", FoundOrders, {"id": wanted, "limit": _MOST})
    return Labels({each.id: each.label for each in found.orders} if found else {})
