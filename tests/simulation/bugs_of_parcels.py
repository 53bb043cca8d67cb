"""Bugs of parcels, returns and refunds by item that somebody could write, beside those of bugs.py."""

from typing import Any

import pytest

from kassa.order import returning
from kassa.payment import paid_parts
from kassa.payment.effects import PaymentEffects
from kassa.payment.refund_effects import RefundEffects
from tests.simulation.bugs import bug, nothing

Patch = pytest.MonkeyPatch


@bug
def goods_are_refunded_without_being_set_aside(patch: Patch) -> None:
    patch.setattr(RefundEffects, "_set_aside", nothing)


@bug
def what_a_refund_that_failed_has_set_aside_stays_so(patch: Patch) -> None:
    patch.setattr(PaymentEffects, "set_free", nothing)


@bug
def what_refunds_have_put_on_the_shelf_returns_put_there_again(patch: Patch) -> None:
    patch.setattr(returning, "_by_refunds", lambda _: {})


@bug
def the_shipping_goes_back_as_often_as_it_is_asked_for(patch: Patch) -> None:
    patch.setattr(paid_parts, "_left_of_shipping", lambda paid, _: paid.shipping_minor)


@bug
def the_shipping_goes_back_as_it_was_before_its_discount(patch: Patch) -> None:
    reckoned = paid_parts.paid_parts

    def undiscounted(order: Any) -> Any:
        paid = reckoned(order)
        if order.sale is None or order.sale.parts.shipping is None:
            return paid
        return paid._replace(shipping_minor=paid.shipping_minor + order.sale.parts.shipping.discount_minor)

    patch.setattr(paid_parts, "paid_parts", undiscounted)
