"""Bugs of totals, discounts and guests that somebody could write, beside those of bugs.py."""

import itertools
from typing import Any

import msgspec
import pytest

from kassa.contracts.inventory import Line
from kassa.contracts.parts import Parts
from kassa.order import domain as orders
from kassa.order import machine as order_machine
from kassa.order import placing, pricing
from kassa.order.domain import Kind, uses_of
from kassa.order.effects import OrderEffects
from kassa.order.offering import DiscountEffects
from kassa.order.service import OrderService
from kassa.order.uses import Uses
from kassa.payment import asking, checkout
from kassa.payment import machine as payment_machine
from kassa.payment.service import PaymentService
from tests.simulation.bugs import bug, move, nothing

Patch = pytest.MonkeyPatch


# Uses of discounts


@bug
def a_use_is_not_held_with_the_goods(patch: Patch) -> None:
    patch.setattr(placing, "uses_of", lambda _: [])


@bug
def an_order_with_a_code_keeps_its_stock(patch: Patch) -> None:
    async def release_stock(self: Any, order: Any, effect: Any) -> None:
        if order.sale is None or not uses_of(order.sale.parts):
            await original(self, order, effect)

    original = OrderEffects.release_stock
    patch.setattr(OrderEffects, "release_stock", release_stock)


@bug
def a_use_comes_back_twice(patch: Patch) -> None:
    async def release_stock(self: Any, order: Any, effect: Any) -> None:
        await original(self, order, effect)
        if order.sale is not None and (uses := uses_of(order.sale.parts)):
            await self._inventory.restock(f"{order.id}.uses", uses)

    original = OrderEffects.release_stock
    patch.setattr(OrderEffects, "release_stock", release_stock)


@bug
def a_revived_order_does_not_take_its_buyers_use_again(patch: Patch) -> None:
    async def take_again(self: Any, *_: Any) -> bool:
        return True

    patch.setattr(Uses, "take_again", take_again)


@bug
def a_buyers_use_is_given_to_the_next_order(patch: Patch) -> None:
    async def is_dead(self: Any, use: Any) -> bool:
        return True

    patch.setattr(Uses, "_is_dead", is_dead)


@bug
def a_limit_is_raised_with_every_try(patch: Patch) -> None:
    async def add_uses(self: Any, discount: Any, effect: Any) -> None:
        await self._inventory.restock(f"{effect.id}.{next(numbers)}", [Line(discount.id, int(effect.args["uses"]))])

    numbers = itertools.count()
    patch.setattr(DiscountEffects, "add_uses", add_uses)


@bug
def a_raised_limit_is_not_told_to_the_stock(patch: Patch) -> None:
    patch.setattr(DiscountEffects, "add_uses", nothing)


# Totals


@bug
def a_split_loses_its_remainder(patch: Patch) -> None:
    def split(amount: int, weights: Any, unit: int) -> list[int]:
        total = sum(weights) or 1
        return [amount // unit * weight // total * unit for weight in weights]

    patch.setattr(pricing, "split", split)


@bug
def the_tax_is_forgotten_in_the_total(patch: Patch) -> None:
    patch.setattr(Parts, "added_tax_minor", property(lambda _: 0))


@bug
def shipping_is_sent_to_stripe_without_its_discount(patch: Patch) -> None:
    patch.setattr(asking, "_shipping", whole_shipping(asking._shipping))


@bug
def a_coupon_is_in_major_units(patch: Patch) -> None:
    def coupon_params(order: Any, metadata: Any) -> Any:
        found = original(order, metadata)
        return found and found | {"amount_off": max(1, found["amount_off"] // 100)}

    original = asking.coupon_params
    patch.setattr(checkout, "coupon_params", coupon_params)


@bug
def the_order_does_not_hear_of_its_tax(patch: Patch) -> None:
    patch.setattr(order_machine, "_with_tax", lambda *_: {})


@bug
def a_total_with_its_tax_is_taken_for_another_amount(patch: Patch) -> None:
    patch.setattr(payment_machine, "_is_right", lambda payment, session: session.amount_total == payment.amount_minor)


@bug
def a_wrong_total_is_taken_for_right_where_the_tax_is_open(patch: Patch) -> None:
    def is_right(payment: Any, session: Any) -> bool:
        return payment.is_tax_open or original(payment, session)

    original = payment_machine._is_right
    patch.setattr(payment_machine, "_is_right", is_right)
    patch.setattr(asking, "_shipping", whole_shipping(asking._shipping))


def whole_shipping(original: Any) -> Any:
    def shipping(parts: Any, currency: str) -> Any:
        whole = msgspec.structs.replace(parts.shipping, discount_minor=0)
        return original(msgspec.structs.replace(parts, shipping=whole), currency)

    return shipping


# Orders for nothing, and guests


@bug
def an_order_for_nothing_does_not_sell_its_stock(patch: Patch) -> None:
    move(patch, orders.TRANSITIONS, None, Kind.GIVEN, effects=())


@bug
def an_order_for_nothing_waits_to_be_paid(patch: Patch) -> None:
    def placed(*given: Any) -> Any:
        order = original(*given)
        waits = {"stage": orders.Stage.PENDING, "status": "PENDING"}
        return order if order.total_minor else msgspec.structs.replace(order, **waits)

    original = order_machine.placed
    patch.setattr(placing, "placed", placed)


@bug
def a_guest_sees_the_orders_of_others(patch: Patch) -> None:
    async def visible(self: Any, order_id: str, *_: Any) -> Any:
        return await self.get(order_id)

    patch.setattr(OrderService, "visible", visible)


@bug
def the_payment_of_a_claimed_order_stays_a_guests(patch: Patch) -> None:
    patch.setattr(PaymentService, "hand_over", nothing)
