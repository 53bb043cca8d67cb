"""What an order costs, whatever is sold, to wherever, with whichever discounts, in currencies of every class: with no
decimals, with none that are sent to Stripe as if they had two, with two, and with three of which the last must be 0."""

from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kassa.contracts.order import OrderForPayment, OrderItem, Sale
from kassa.contracts.parts import Address, LinePart, Parts, TaxPart
from kassa.kit.audit import Cause
from kassa.kit.money import major, minor, split, step, to_stripe
from kassa.order.discounts import Discount, DiscountKind
from kassa.order.domain import subtotal_minor, total_minor
from kassa.order.machine import placed
from kassa.order.pricing import Good, Reckoned, TaxMode, Wish, reckon, share
from kassa.order.selling import MILLION, Method, Place, Selling, TaxRate, Zone
from kassa.payment.asking import coupon_params, session_params

CURRENCIES = ("jpy", "isk", "ugx", "usd", "kwd")
CATEGORIES, CLASSES = ("books", "mugs"), ("standard", "reduced")
TO = Address("Reader", "DE", ("1 Test Street",), "Berlin", "", "10115")


class Case(msgspec.Struct):
    """All that a total follows from."""

    currency: str
    goods: list[Good]
    selling: Selling
    tax: TaxMode
    wish: Wish

    def reckoned(self) -> Reckoned:
        return reckon(self.goods, self.currency, self.selling, self.tax, self.wish)

    @property
    def items(self) -> tuple[OrderItem, ...]:
        return tuple(good.item for good in self.goods)


@st.composite
def cases(draw: st.DrawFn, taxes: tuple[TaxMode, ...] = ("none", "rates", "stripe")) -> Case:
    currency = draw(st.sampled_from(CURRENCIES))
    money = st.integers(0, 20_000).map(lambda units: units * step(currency))
    goods = [
        Good(
            OrderItem(f"prd_{number}", f"Good {number}", draw(st.integers(1, 9)), draw(money)),
            draw(st.sampled_from(CATEGORIES)),
            draw(st.integers(0, 5_000)),
            draw(st.sampled_from(CLASSES)),
            draw(st.booleans()),
        )
        for number in range(draw(st.integers(1, 6)))
    ]
    selling = Selling(
        id="selling",
        home="DE",
        taxes_shipping=draw(st.booleans()),
        zones=(Zone("all", "All", (Place("*"),)),),
        methods=(Method("post", "Post", zone="all", price_minor=draw(money), free_from_minor=draw(st.none() | money)),),
        rates=tuple(
            TaxRate("DE", name, draw(st.integers(0, MILLION)), tax_class=name, is_included=draw(st.booleans()))
            for name in CLASSES
        ),
    )
    discounts = tuple(draw(st.lists(discount(currency, money), max_size=4, unique_by=lambda each: each.id)))
    wish = Wish(draw(st.sampled_from((None, TO))), draw(st.sampled_from((None, "post"))), discounts)
    return Case(currency, goods, selling, draw(st.sampled_from(taxes)), wish)


@st.composite
def discount(draw: st.DrawFn, currency: str, money: st.SearchStrategy[int]) -> Discount:
    kind, number = draw(st.sampled_from(DiscountKind)), draw(st.integers(0, 9))
    return Discount(
        id=f"dsc_{number}",
        name=f"Discount {number}",
        kind=kind,
        millionths=draw(st.integers(1, MILLION)) if kind is DiscountKind.PERCENTAGE else 0,
        amount_minor=draw(money.filter(bool)) if kind is DiscountKind.AMOUNT else 0,
        currency=currency,
        categories=tuple(draw(st.sets(st.sampled_from(CATEGORIES), max_size=1))),
        combines=draw(st.booleans()),
        is_automatic=number > 0,  # one code at most
        created_at=0,
        updated_at=0,
    )


@given(cases())
def test_parts_are_the_total_in_every_currency(case: Case) -> None:
    parts, unit = case.reckoned().parts, step(case.currency)
    shipping = parts.shipping
    lines = [good.amount_minor - line.discount_minor for good, line in zip(case.goods, parts.lines, strict=True)]
    assert all(0 <= left <= good.amount_minor for left, good in zip(lines, case.goods, strict=True))
    assert sum(line.discount_minor for line in parts.lines) == sum(each.amount_minor for each in parts.discounts)
    sent = shipping.amount_minor - shipping.discount_minor if shipping is not None else 0
    assert 0 <= sent <= parts.shipping_minor
    assert parts.shipping_minor - sent == sum(each.shipping_minor for each in parts.discounts)
    total = total_minor(case.items, parts)
    assert total == sum(lines) + sent + parts.added_tax_minor
    assert total >= 0
    payable = [*lines, sent, total, parts.added_tax_minor, *(each.amount_minor for each in parts.discounts)]
    assert [amount % unit for amount in payable] == [0] * len(payable)


@given(cases())
def test_a_discount_takes_no_more_off_than_what_it_is_for(case: Case) -> None:
    parts, known = case.reckoned().parts, {each.id: each for each in case.wish.discounts}
    for part in parts.discounts:
        meant = known[part.discount_id]
        whole = sum(good.amount_minor for good in case.goods if meant.is_for(good.category))
        assert 0 <= part.amount_minor <= whole
        if meant.kind is DiscountKind.AMOUNT:
            assert part.amount_minor <= meant.amount_minor
        if meant.kind is DiscountKind.FREE_SHIPPING:
            assert part.amount_minor == 0
    untouched = [
        line.discount_minor
        for good, line in zip(case.goods, parts.lines, strict=True)
        if not any(known[part.discount_id].is_for(good.category) for part in parts.discounts)
    ]
    assert sum(untouched) == 0


@given(cases(taxes=("rates",)))
def test_taxes_are_those_of_the_lines_each_within_half_a_unit_of_what_is_exact(case: Case) -> None:
    parts = case.reckoned().parts
    rates = {rate.tax_class: rate for rate in case.selling.rates}
    exact = Fraction(0)
    bound = Fraction(0)
    for good, line in zip(case.goods, parts.lines, strict=True):
        rate, left = rates[good.tax_class], good.amount_minor - line.discount_minor
        due, unit = exact_tax(left, rate), 1 if rate.is_included else step(case.currency)
        assert line.tax_minor == half_up(due / unit) * unit
        exact, bound = exact + due, bound + Fraction(unit, 2)
    shipping = parts.shipping
    if shipping is not None and case.selling.taxes_shipping:
        exact += exact_tax(shipping.amount_minor - shipping.discount_minor, rates["standard"])
        bound += Fraction(step(case.currency), 2)
    told = sum(tax.amount_minor for tax in parts.taxes)
    assert told == sum(line.tax_minor for line in parts.lines) + (shipping.tax_minor if shipping is not None else 0)
    assert abs(told - exact) <= bound


def exact_tax(amount: int, rate: TaxRate) -> Fraction:
    """On top of the amount, or contained in it."""
    return amount * Fraction(rate.millionths, MILLION + rate.millionths if rate.is_included else MILLION)


def half_up(exact: Fraction) -> int:
    return (exact + Fraction(1, 2)).__floor__()


@given(cases())
def test_what_stripe_is_asked_with_is_the_total_to_the_unit(case: Case) -> None:
    parts = case.reckoned().parts
    total = total_minor(case.items, parts)
    assume(total > 0)
    order = OrderForPayment("ord_1", "usr_1", list(case.items), total, case.currency, "PENDING", True, 0, Sale(parts))
    assert at_stripe(order) == to_stripe(total, case.currency)


@pytest.mark.parametrize(("rates", "ends"), [(2, "VAT 1 xxx"), (90, "The total contains taxes: 0.90 EUR.")])
def test_what_is_said_of_contained_taxes_is_no_longer_than_stripe_takes(rates: int, ends: str) -> None:
    taxes = tuple(TaxPart(f"VAT {each} {'x' * 50}", 1, 190_000, is_included=True) for each in range(rates))
    items = [OrderItem(f"prd_{each}", "Thing", 1, 1000) for each in range(rates)]
    sale = Sale(Parts(lines=(LinePart(),) * rates, taxes=taxes))
    order = OrderForPayment("ord_1", "usr_1", items, 1000 * rates, "eur", "PENDING", True, 0, sale)
    said = session_params(order, {}, "https://shop.example", 0)["custom_text"]["submit"]["message"]
    assert ends in said
    assert len(said) <= 1200


@given(cases())
def test_what_is_asked_with_for_goods_alone_is_what_they_cost(case: Case) -> None:
    total = subtotal_minor(case.items)
    order = OrderForPayment("ord_1", "usr_1", list(case.items), total, case.currency, "PENDING", True, 0)
    assert at_stripe(order) == to_stripe(total, case.currency)


def at_stripe(order: OrderForPayment) -> int:
    """What Stripe makes of it (docs: payments/checkout/discounts, shipping-rates): in its own units."""
    params: dict[str, Any] = session_params(order, {}, "https://shop.example", 0)
    coupon = coupon_params(order, {})
    assert params.get("discounts", []) == ([{"coupon": coupon["id"]}] if coupon else [])
    lines = sum(line["price_data"]["unit_amount"] * line["quantity"] for line in params["line_items"])
    rates = [each["shipping_rate_data"]["fixed_amount"] for each in params.get("shipping_options", [])]
    assert {each["currency"] for each in rates} | {line["price_data"]["currency"] for line in params["line_items"]} == {
        order.currency
    }
    return int(lines - (coupon["amount_off"] if coupon else 0) + sum(each["amount"] for each in rates))


@given(cases(taxes=("none", "rates")))
def test_an_order_costs_what_its_quote_says(case: Case) -> None:
    sale = Sale(case.reckoned().parts)
    cause = Cause("req_1", "usr_1", "placed", "")
    order = placed("ord_1", "usr_1", case.items, case.currency, 1, cause, 0, sale)
    assert order.total_minor == total_minor(case.items, case.reckoned().parts)
    assert order.stage == ("PENDING" if order.total_minor else "CONFIRMED")


@given(cases(), st.integers(1, MILLION), st.integers(1, MILLION))
def test_a_higher_percentage_never_takes_less_off(case: Case, one: int, other: int) -> None:
    def off(millionths: int) -> int:
        alone = Discount(
            id="dsc_1", name="It", kind=DiscountKind.PERCENTAGE, millionths=millionths, created_at=0, updated_at=0
        )
        return reckoned_with(case, alone).discount_minor

    low, high = sorted((one, other))
    assert off(low) <= off(high)


def reckoned_with(case: Case, alone: Discount) -> Parts:
    return reckon(case.goods, case.currency, case.selling, "none", Wish(discounts=(alone,))).parts


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, MILLION), st.sampled_from((1, 10)))
def test_a_share_is_rounded_half_up_to_whole_units_and_grows_with_its_whole(
    amount: int, more: int, millionths: int, unit: int
) -> None:
    found = share(amount, millionths, MILLION, unit)
    assert found == half_up(Fraction(amount * millionths, MILLION * unit)) * unit
    assert found <= share(amount + more, millionths, MILLION, unit)


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=40), st.data(), st.sampled_from((1, 10)))
def test_an_amount_is_split_without_a_remainder(units: list[int], data: st.DataObject, unit: int) -> None:
    weights = [each * unit for each in units]
    whole = sum(weights)
    amount = data.draw(st.integers(0, whole // unit)) * unit
    parts = split(amount, weights, unit)
    assert sum(parts) == amount
    assert all(0 <= part <= weight and part % unit == 0 for part, weight in zip(parts, weights, strict=True))
    # Nobody is a whole unit away from what is exact.
    if whole:
        exact = [Fraction(amount * weight, whole) for weight in weights]
        assert all(abs(part - each) < unit for part, each in zip(parts, exact, strict=True))
    shuffled = data.draw(st.permutations(weights))
    again = split(amount, shuffled, unit)
    assert sorted(zip(shuffled, again, strict=True)) == sorted(zip(weights, parts, strict=True))


@pytest.mark.parametrize(("currency", "least"), [("jpy", 1), ("isk", 1), ("usd", 1), ("kwd", 10)])
def test_the_least_step_is_what_can_be_paid(currency: str, least: int) -> None:
    assert step(currency) == least
    assert minor(major(least, currency), currency) == least
