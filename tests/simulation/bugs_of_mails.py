"""Bugs of mails that somebody could write, beside those of bugs.py."""

import itertools
from typing import Any

import pytest

from kassa.kit.problem import Unavailable
from kassa.mail import message, service
from kassa.order.domain import TRANSITIONS, Kind, Stage, Todo
from kassa.order.mails import OrderMails
from tests.simulation.bugs import bug, move

Patch = pytest.MonkeyPatch


@bug
def a_mail_is_another_one_each_time_that_it_is_sent(patch: Patch) -> None:
    numbers = itertools.count()
    patch.setattr(message, "digest_of", lambda cause: f"{next(numbers):032x}")


@bug
def all_mails_of_an_order_are_taken_for_one(patch: Patch) -> None:
    original = message.digest_of
    patch.setattr(message, "digest_of", lambda cause: original(cause.partition(":")[0]))


@bug
def a_mail_is_forgotten_when_the_server_is_down(patch: Patch) -> None:
    async def send(self: Any, mail: Any) -> None:
        try:
            await original(self, mail)
        except Unavailable:
            return

    original = service.MailService.send
    patch.setattr(service.MailService, "send", send)


@bug
def a_mail_goes_to_whoever_ordered_last(patch: Patch) -> None:
    last: list[Any] = []

    async def contact(self: Any, order: Any) -> Any:
        last.append(await original(self, order))
        return last[-2] if len(last) > 1 else last[-1]

    original = OrderMails.contact
    patch.setattr(OrderMails, "contact", contact)


@bug
def an_order_is_confirmed_by_mail_before_it_is_paid(patch: Patch) -> None:
    effects = (*TRANSITIONS[None, Kind.PLACED].effects, Todo.MAIL_CONFIRMED)
    move(patch, TRANSITIONS, None, Kind.PLACED, to=Stage.PENDING, effects=effects)
