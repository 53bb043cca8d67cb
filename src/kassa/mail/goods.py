"""What an order is made of, as its mail shows it: its lines, what is taken off and added, the total."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple, Protocol


class Row(NamedTuple):
    """A row of the table: what it is, and what it costs. `is_total`: the last one."""

    label: str
    amount: str
    is_total: bool = False


class Formats(Protocol):
    """Money and numbers as a language writes them."""

    def money(self, amount: Any, currency: str) -> str:
        """An amount in major units."""

    def percent(self, percent: Any) -> str:
        """19 is 19 %."""


def goods_of(order: Mapping[str, Any], labels: Mapping[str, str], formats: Formats) -> list[Row]:
    """The rows of an order as the API shows it."""

    def money(amount: Any) -> str:
        return formats.money(amount, order["currency"])

    rows = [
        Row(f"{item['quantity']} × {item['name']}", money(Decimal(str(item["priceSnapshot"])) * item["quantity"]))
        for item in order["items"]
    ]
    parts = order.get("parts")
    taxes = [(each["isIncluded"], Row(*_tax(each, labels, formats, money))) for each in parts["taxes"]] if parts else []
    if parts:
        rows += [Row(*each) for each in _parts(parts, labels, money)]
        rows += [row for is_included, row in taxes if not is_included]
    rows.append(Row(labels["total"], money(order["totalAmount"]), is_total=True))
    # What the total contains is told behind it: it is not added.
    return [*rows, *(row for is_included, row in taxes if is_included)]


def _parts(parts: Mapping[str, Any], labels: Mapping[str, str], money: Any) -> Iterator[tuple[str, str]]:
    if parts["discounts"] or parts["shipping"] or parts["taxes"]:
        yield labels["subtotal"], money(parts["subtotal"])
    for each in parts["discounts"]:
        off = Decimal(str(each["amount"])) + Decimal(str(each["shipping"]))
        name = f"{each['name']} ({each['code']})" if each["code"] else each["name"]
        yield name, money(-off)
    if shipping := parts["shipping"]:
        yield shipping["name"], money(shipping["amount"])
    if parts["isTaxOpen"]:
        yield labels["tax_open"], "–"


def _tax(tax: Mapping[str, Any], labels: Mapping[str, str], formats: Formats, money: Any) -> tuple[str, str]:
    rate = f" {formats.percent(tax['percent'])}" if tax["percent"] is not None else ""
    contained = f" ({labels['contained']})" if tax["isIncluded"] else ""
    return f"{tax['name']}{rate}{contained}", money(tax["amount"])
