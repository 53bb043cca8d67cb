"""Bugs of invoices that somebody could write, beside those of bugs.py."""

import asyncio
from typing import Any

import pytest

from kassa.invoicing import domain
from kassa.invoicing.register import Register
from kassa.kit.documents import Duplicate
from kassa.order.invoices import OrderInvoices
from tests.simulation.bugs import bug

Patch = pytest.MonkeyPatch


@bug
def what_a_killed_process_has_numbered_is_left_out(patch: Patch) -> None:
    async def nothing(self: Any, head: Any) -> None:
        """Nobody stores what others have entered."""

    async def enter_behind(self: Any, head: Any, new: Any) -> bool:
        is_entered = await original(self, head, new)
        if is_entered:
            await asyncio.gather(*(self._store_one(document) for document in self._head.added))
        return bool(is_entered)

    original = Register._enter_behind
    patch.setattr(Register, "_enter_behind", enter_behind)
    patch.setattr(Register, "_store_added", nothing)


@bug
def it_is_not_looked_whether_an_order_has_its_invoice_already(patch: Patch) -> None:
    async def enter_some(self: Any) -> None:
        some, self._waiting = self._waiting, {}
        head = await self._end()
        try:
            await self._enter_behind(head, list(some.values()))
        except Duplicate:
            return

    patch.setattr(Register, "_enter_some", enter_some)


@bug
def a_refund_that_fails_keeps_its_credit_note(patch: Patch) -> None:
    patch.setattr(domain, "COME_TO_NOTHING", ())


@bug
def an_order_has_no_invoice_until_money_goes_back(patch: Patch) -> None:
    async def carry(self: Any, order: Any, effect: Any) -> None:
        if order.payment_version:
            await original(self, order, effect)

    original = OrderInvoices.carry_invoice
    patch.setattr(OrderInvoices, "carry_invoice", carry)


@bug
def discounts_are_forgotten_on_invoices(patch: Patch) -> None:
    patch.setattr(domain, "_less", lambda line, discount_minor: line)
