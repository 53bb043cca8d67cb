"""Money that is owed back: asked for again after every refusal and every return, for ever, and shown. Pure."""

from collections.abc import Callable

import msgspec

from kassa.kit import effects, inputs
from kassa.kit.audit import Cause, entry
from kassa.kit.clock import DAY, HOUR, MINUTE, Millis
from kassa.kit.effects import Effect, has_seen, planned, without
from kassa.payment.balance import GIVEN_BACK, followed, owed_minor
from kassa.payment.domain import MoneyBack, Payment, Refund, Todo
from kassa.payment.processor import RefundState

# What is owed is asked for again after pauses that double: minutes after a refusal, which may pass (no funds in the
# balance); days after a bank has sent money back, which it mostly does again (Stripe docs: refunds, failed refunds).
AFTER_REFUSAL: Millis = 15 * MINUTE
LONGEST_AFTER_REFUSAL: Millis = 12 * HOUR
AFTER_RETURN: Millis = DAY
LONGEST_AFTER_RETURN: Millis = 32 * DAY

NOT_UNDER_WAY = "no refund of it is under way"
_OWED = (Todo.REFUND_ALL, Todo.REFUND_SECOND)
"""The effects that give back what is owed, whatever their refund."""


def debts(payment: Payment) -> list[str]:
    """What is owed to the buyer and was refused, or is not under way at all: why, in words."""
    owed = {refund.id for refund in payment.refunds if refund.is_owed}
    refused_words = [
        effect.error
        for effect in payment.effects
        if effect.done_at is None and effect.is_refused and (effect.kind in _OWED or effect.args.get("refund") in owed)
    ]
    return refused_words or ([NOT_UNDER_WAY] if is_forgotten(payment) else [])


def is_forgotten(payment: Payment) -> bool:
    """Whether some of what is owed to the buyer is not asked for."""
    is_asked_for = any(effect.kind == Todo.REFUND_ALL and effect.done_at is None for effect in payment.effects)
    return owed_minor(payment) > 0 and not is_asked_for


def owing(payment: Payment, now: Millis) -> Payment:
    """The payment with what it owes asked for now, if that is not under way."""
    if not is_forgotten(payment):
        return payment
    return followed(payment, MoneyBack.OWED, lambda current, todo: planned(current, todo, now))


def reopened(payment: Payment, now: Millis) -> Payment:
    """The payment with what it owes asked for now, as far as earlier versions had given that up: its own money, and
    what a bank had sent back of money that came a second time, which is looked at."""
    payment, seconds = owing(payment, now), [each for each in payment.effects if each.kind == Todo.REFUND_SECOND]
    amounts = {each.args["intent"]: each.args["amount"] for each in seconds if each.done_at is not None}
    for intent_id in amounts.keys() - {each.args["intent"] for each in seconds if each.done_at is None}:
        payment = followed(payment, MoneyBack.SECOND_MOVED, _second(intent_id, amounts[intent_id], now))
    return payment


def owed_again(payment: Payment, ended: Refund, now: Millis) -> Payment:
    """The payment after a refund has come to nothing: if its money is owed, that is asked for again later."""
    if ended.status not in GIVEN_BACK or not is_forgotten(payment):
        return payment
    times = sum(refund.status in GIVEN_BACK for refund in payment.refunds)
    was_made = ended.stripe_id is not None
    pause = _doubled(AFTER_RETURN, times, LONGEST_AFTER_RETURN) if was_made else AFTER_REFUSAL
    words = ended.failure or ended.status
    return followed(payment, MoneyBack.RETURNED, _refused(words, now, now + pause, times))


def second_refused(payment: Payment, effect: Effect, words: str, now: Millis) -> Payment:
    """The payment after Stripe refused to give money back that came a second time: that is asked again later."""
    times = effect.attempts + 1
    at = now + pause_after_refusal(times)
    return followed(payment, MoneyBack.SECOND_REFUSED, _refused(words, now, at, times, **effect.args))


def second_observed(payment: Payment, state: RefundState, now: Millis) -> Payment:
    """The payment after news of a refund of another one than its own: of money that came a second time. That is owed
    again if the bank has sent it back; and if something went back, it may not be owed any more."""
    if state.status not in GIVEN_BACK:
        return second_looked_at(payment, str(state.intent_id), now)
    cause = Cause(inputs.second(state.id, state.status), "stripe", state.failure_reason or state.status)
    if has_seen(payment, cause.id):
        return payment
    of_it = [each for each in payment.effects if each.args.get("intent") == state.intent_id]
    amount = max([state.amount, *(int(each.args["amount"]) for each in of_it)])
    what = f"refund {state.id} of a second payment: {state.status}"
    noted = entry(cause, what, payment.stage, payment.stage, now)
    changed = msgspec.structs.replace(payment, audit=(*payment.audit, noted), updated_at=now)
    at = now + _doubled(AFTER_RETURN, max(1, len(of_it)), LONGEST_AFTER_RETURN)
    args = {"intent": str(state.intent_id), "amount": str(amount)}
    return followed(changed, MoneyBack.SECOND_RETURNED, _refused(cause.why, now, at, 1, **args))


def second_looked_at(payment: Payment, intent_id: str, now: Millis) -> Payment:
    """The payment after something has happened to money that came a second time and waits to be asked back: how much of
    it is left is looked at now."""
    waiting = [effect for effect in payment.effects if _waits_for(effect, intent_id)]
    if not waiting:
        return payment
    payment = without(payment, lambda effect: effect in waiting, now)
    return followed(payment, MoneyBack.SECOND_MOVED, _second(intent_id, waiting[-1].args["amount"], now))


def pause_after_refusal(times: int) -> Millis:
    """How long after so many refusals."""
    return _doubled(AFTER_REFUSAL, times, LONGEST_AFTER_REFUSAL)


def _second(intent_id: str, amount: str, now: Millis) -> Callable[[Payment, Todo], Effect]:
    return lambda payment, todo: planned(payment, todo, now, intent=intent_id, amount=amount)


def _refused(words: str, now: Millis, at: Millis, times: int, **args: str) -> Callable[[Payment, Todo], Effect]:
    return lambda payment, todo: effects.refused(payment, todo, words, now, at=at, attempts=times, **args)


def _doubled(first: Millis, times: int, longest: Millis) -> Millis:
    return min(longest, first << min(times - 1, 20))


def _waits_for(effect: Effect, intent_id: str) -> bool:
    return effect.is_refused and effect.done_at is None and effect.args.get("intent") == intent_id
