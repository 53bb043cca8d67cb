"""What goes back by item: whatever the order, the currency and the way, all of it together is never more than was paid,
and when everything is refunded exactly that."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kassa.contracts.inventory import Line
from kassa.contracts.order import OrderForPayment, OrderItem, Sale
from kassa.contracts.parcels import TooManyToRefund
from kassa.contracts.parts import LinePart, Parts, ShippingPart, TaxPart
from kassa.kit.audit import Cause
from kassa.kit.money import split, step
from kassa.payment.balance import held_minor, left_minor
from kassa.payment.domain import Payment, Stage
from kassa.payment.paid_parts import Goods, left_by_item, paid_parts, reckon
from kassa.payment.refund_states import with_refund
from kassa.payment.refunds import refund_of_goods, requested

CURRENCIES = ("jpy", "usd", "kwd")


def order_of(items: Sequence[OrderItem], sale: Sale | None, currency: str = "usd") -> OrderForPayment:
    total = sum(item.price_minor * item.quantity for item in items)
    total += sale.parts.change_minor() if sale is not None else 0
    return OrderForPayment("ord_1", "usr_1", list(items), total, currency, "CONFIRMED", False, 0, sale)


def paid(order: OrderForPayment) -> Payment:
    return Payment(
        id="pay_1", order_id="ord_1", user_id="usr_1", amount_minor=order.total_minor, currency=order.currency,
        stage=Stage.SUCCESS, status="SUCCESS", taken_minor=order.total_minor, created_at=0, updated_at=0,
    )  # fmt: skip


@st.composite
def orders(draw: st.DrawFn) -> OrderForPayment:
    """With discounts, shipping, and taxes on top, contained, of both kinds at once, or of Stripe's."""
    currency = draw(st.sampled_from(CURRENCIES))
    unit = step(currency)
    count = draw(st.integers(1, 4))
    items = [
        OrderItem(f"prd_{at}", "Mug", draw(st.integers(1, 7)), draw(st.integers(0, 400)) * unit) for at in range(count)
    ]
    prices = [item.price_minor * item.quantity for item in items]
    off = [draw(st.integers(0, price // unit)) * unit for price in prices]
    fee = draw(st.integers(0, 90)) * unit
    free = draw(st.sampled_from([0, fee]))
    taxes = [draw(st.integers(0, 60)) * unit for _ in items]
    of_shipping = draw(st.integers(0, 9)) * unit
    kind = draw(st.sampled_from(["none", "on top", "contained", "both", "stripe"]))
    told = {
        "none": (), "on top": (TaxPart("VAT", sum(taxes) + of_shipping, 1),),
        "contained": (TaxPart("VAT", sum(taxes) + of_shipping, 1, is_included=True),),
        "both": (TaxPart("A", taxes[0], 1), TaxPart("B", sum(taxes[1:]) + of_shipping, 2, is_included=True)),
        "stripe": (TaxPart("Tax", draw(st.integers(0, 900)) * unit),),
    }[kind]  # fmt: skip
    is_told = kind not in ("none", "stripe")
    lines = tuple(LinePart(each, tax if is_told else 0) for each, tax in zip(off, taxes, strict=True))
    shipping = ShippingPart("parcel", "Parcel", "delivery", fee, free, of_shipping if is_told else 0)
    sale = Sale(Parts(lines=lines, shipping=shipping, taxes=told))
    # The discounts of the lines and the shipping, as the order has them.
    parts = msgspec.structs.replace(sale.parts, discounts=())
    total = sum(prices) - sum(off) + fee - free + sum(each.amount_minor for each in told if not each.is_included)
    made = order_of(items, msgspec.structs.replace(sale, parts=parts), currency)
    return msgspec.structs.replace(made, total_minor=total)


@given(orders())
def test_the_parts_that_were_paid_are_the_total(order: OrderForPayment) -> None:
    parts = paid_parts(order)
    assert sum(parts.lines.values()) + parts.shipping_minor == order.total_minor
    assert min([*parts.lines.values(), parts.shipping_minor]) >= 0


@given(orders(), st.data())
def test_in_any_way_it_is_what_was_paid_in_the_end(order: OrderForPayment, data: st.DataObject) -> None:
    payment, unit = paid(order), step(order.currency)
    number = 0
    while True:
        left = left_by_item(order, payment)
        if not left.lines and not left.shipping_minor:
            break
        number += 1
        lines = tuple(
            Line(each.product_id, count)
            for each in left.lines
            if (count := data.draw(st.integers(0, each.quantity), each.product_id))
        )
        goods = Goods(lines, shipping=bool(left.shipping_minor) and (not lines or data.draw(st.booleans())))
        if not lines and not goods.shipping:
            goods = goods._replace(lines=tuple(Line(each.product_id, each.quantity) for each in left.lines))
        reckoned = reckon(order, payment, goods)
        assert reckoned.amount_minor % unit == 0
        if not reckoned.amount_minor:
            if set(left.lines) == set(reckoned.lines) and not left.shipping_minor:
                break  # What is left has cost nothing.
            continue
        refund = refund_of_goods(f"rfd_{number}", goods, reckoned, 0, "", 0)
        payment = requested(payment, refund, Cause(refund.id, "usr_admin"))
        assert held_minor(payment) <= payment.taken_minor
        if number < 20 and data.draw(st.integers(0, 3)) == 0:  # It fails, and its amount and goods are free again.
            payment = with_refund(payment, msgspec.structs.replace(payment.refunds[-1], status="failed"))
    assert left_minor(payment) == 0


@given(orders())
def test_piece_by_piece_it_is_the_whole_line(order: OrderForPayment) -> None:
    for item in order.items:
        payment, amounts = paid(order), []
        for number in range(item.quantity):
            reckoned = reckon(order, payment, Goods((Line(item.product_id, 1),)))
            amounts.append(reckoned.amount_minor)
            refund = msgspec.structs.replace(
                refund_of_goods(f"rfd_{number}", Goods(()), reckoned._replace(shipping_minor=1), 0, "", 0),
                shipping_minor=0,
            )
            payment = msgspec.structs.replace(payment, refunds=(*payment.refunds, refund))
        whole = paid_parts(order).lines[item.product_id]
        assert sum(amounts) == whole
        assert amounts == split(whole, [step(order.currency)] * item.quantity, step(order.currency))


def test_a_piece_that_went_back_is_not_refunded_once_more() -> None:
    order = order_of([OrderItem("prd_1", "Mug", 2, 500)], None)
    payment = paid(order)
    goods = Goods((Line("prd_1", 2),))
    refund = refund_of_goods("rfd_1", goods, reckon(order, payment, goods), 0, "", 0)
    payment = requested(payment, refund, Cause("rfd_1", "usr_admin"))
    with pytest.raises(TooManyToRefund, match="1 of product prd_1 were asked for, 0 can be refunded"):
        reckon(order, payment, Goods((Line("prd_1", 1),)))
