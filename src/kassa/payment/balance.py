"""A payment's money in sums, what is refunded and what is owed; and what follows when some goes back. Pure."""

from collections.abc import Callable

from kassa.kit.effects import Effect, with_todos
from kassa.payment.domain import MONEY_BACK, MoneyBack, Payment, Refund, Todo

REQUESTED = "requested"
"""The state of a refund of which Stripe has told none."""
GIVEN_BACK = ("failed", "canceled")
"""The states of a refund whose amount can be refunded again."""


def held_minor(payment: Payment) -> int:
    """What is refunded or on its way, in minor units."""
    return sum(refund.amount_minor for refund in payment.refunds if refund.status not in GIVEN_BACK)


def left_minor(payment: Payment) -> int:
    """What can still be refunded, in minor units; more may have gone back at Stripe than was left."""
    return max(0, payment.taken_minor - held_minor(payment))


def requested_minor(payment: Payment) -> int:
    """What was asked for and Stripe has not taken on yet, as far as is known, in minor units."""
    return sum(refund.amount_minor for refund in payment.refunds if refund.status == REQUESTED)


def refunded_minor(payment: Payment) -> int:
    """What Stripe says was refunded, in minor units."""
    return sum(refund.amount_minor for refund in payment.refunds if refund.status == "succeeded")


def back_minor(payment: Payment) -> int:
    """What Stripe has taken on to send back, in minor units."""
    return sum(each.amount_minor for each in _back(payment))


def back_by_amount_minor(payment: Payment) -> int:
    """What Stripe has taken on to send back for no goods in particular, in minor units."""
    return sum(each.amount_minor for each in _back(payment) if not each.lines and not each.shipping_minor)


def shipping_back_minor(payment: Payment) -> int:
    """What Stripe has taken on to send back for the shipping, in minor units."""
    return sum(each.shipping_minor for each in _back(payment))


def _back(payment: Payment) -> list[Refund]:
    return [each for each in payment.refunds if each.status not in (REQUESTED, *GIVEN_BACK)]


def is_fully_refunded(payment: Payment) -> bool:
    """Whether all that was taken went back."""
    return payment.taken_minor > 0 and refunded_minor(payment) >= payment.taken_minor


def lost_minor(payment: Payment) -> int:
    """What disputes have taken back for good, in minor units."""
    own = (each for each in payment.disputes if each.intent_id in (None, payment.intent_id))
    return sum(each.amount_minor for each in own if each.status == "lost")


def owed_minor(payment: Payment) -> int:
    """What must go back and is neither refunded nor on its way, nor with a bank for good, in minor units."""
    if not payment.owes_all and not any(refund.is_owed for refund in payment.refunds):
        return 0
    return max(0, payment.taken_minor - held_minor(payment) - lost_minor(payment))


def followed(payment: Payment, happened: MoneyBack, plan: Callable[[Payment, Todo], Effect]) -> Payment:
    """The payment with the effects that follow from what has happened to its money, each as `plan` makes it."""
    return with_todos(payment, MONEY_BACK[happened], plan)
