"""What was paid for each part of an order, as the order and its payment both reckon it. Pure, in whole minor units."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kassa.contracts.order import OrderForPayment
from kassa.contracts.parts import Parts
from kassa.kit.money import split, step


class PaidParts(NamedTuple):
    """What was paid: for each product, with its share of discounts and with its tax, and for the shipping. Their sum is
    the order's total."""

    lines: Mapping[str, int]
    shipping_minor: int


def paid_parts(order: OrderForPayment) -> PaidParts:
    """What was paid for each part. Taxes that come on top belong to the lines that they are on; those that Stripe has
    reckoned, of which it tells one sum, to all in proportion. Contained ones are in the prices."""
    prices = [item.price_minor * item.quantity for item in order.items]
    products = [item.product_id for item in order.items]
    if order.sale is None:
        return PaidParts(dict(zip(products, prices, strict=True)), 0)
    parts = order.sale.parts
    if len(parts.lines) == len(prices):
        prices = [price - line.discount_minor for price, line in zip(prices, parts.lines, strict=True)]
    shipping = parts.shipping_minor - (parts.shipping.discount_minor if parts.shipping is not None else 0)
    taxes = _taxes([*prices, shipping], parts, order.currency)
    paid = [each + tax for each, tax in zip([*prices, shipping], taxes, strict=True)]
    return PaidParts(dict(zip(products, paid, strict=False)), paid[-1])


def _taxes(amounts: Sequence[int], parts: Parts, currency: str) -> list[int]:
    """What of the taxes on top belongs to each amount, the shipping's last."""
    told = [line.tax_minor for line in parts.lines]
    told = [*told, parts.shipping.tax_minor if parts.shipping is not None else 0]
    weights = told if len(told) == len(amounts) and any(told) else list(amounts)
    unit, added = step(currency), parts.added_tax_minor
    shares = split(added, weights, unit)
    # What is left is of a sum that is no whole number of units, or of no weights: the first has it.
    shares[0] += added - sum(shares)
    return shares


def of_first(whole: int, count: int, of: int, currency: str) -> int:
    """What the first `count` of a line's `of` pieces cost, if each costs as much as all others: what is left over after
    whole units goes to the first ones. All of them cost `whole`."""
    unit = step(currency)
    each, over = divmod(whole // unit, of)
    rest = whole % unit if count == of else 0
    return (each * count + min(over, count)) * unit + rest
