"""Bugs of withdrawals that somebody could write, beside those of bugs.py."""

from typing import Any

import pytest

from kassa.order import machine, owing, service, withdrawing
from kassa.order.domain import Todo
from kassa.order.parcels import Parcels, Pieces, less, ordered
from kassa.order.sending import for_payment
from kassa.payment import effects
from tests.simulation.bugs import bug

Patch = pytest.MonkeyPatch


@bug
def what_was_withdrawn_is_sent_all_the_same(patch: Patch) -> None:
    def by_refunds_alone(parcels: Parcels) -> Pieces:
        found: Pieces = {}
        for line in (line for each in parcels.aside for line in each.withheld):
            found[line.product_id] = found.get(line.product_id, 0) + line.quantity
        return found

    patch.setattr(Parcels, "withheld", property(by_refunds_alone))


@bug
def a_withdrawal_is_not_acknowledged(patch: Patch) -> None:
    def written(order: Any, todo: Todo, *rest: Any) -> Any:
        return None if todo is Todo.MAIL_WITHDRAWN else original(order, todo, *rest)

    original = machine._planned_mail
    patch.setattr(machine, "_planned_mail", written)


@bug
def any_refund_is_taken_for_that_of_the_withdrawal(patch: Patch) -> None:
    def owed(order: Any) -> Any:
        return owing.NOTHING if order.sending.refunded or order.sending.by_amount_minor else owing.owed(order)

    patch.setattr(machine, "owed", owed)


@bug
def what_was_withdrawn_once_is_withdrawn_again(patch: Patch) -> None:
    patch.setattr(withdrawing, "withdrawable", lambda order: less(ordered(order.items), order.sending.given_up))


@bug
def a_refund_of_what_was_withdrawn_keeps_other_pieces_from_being_sent(patch: Patch) -> None:
    patch.setattr(service, "for_refunds", for_payment)


@bug
def an_order_is_not_told_of_money_that_went_back_for_no_goods(patch: Patch) -> None:
    patch.setattr(effects, "back_by_amount_minor", lambda _: 0)
