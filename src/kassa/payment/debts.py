"""Money that is owed back: asked for again after every refusal and every return, for ever, and shown. Pure."""

from collections.abc import Callable

import msgspec

from kassa.kit import effects, inputs
from kassa.kit.audit import Cause, entry
from kassa.kit.clock import DAY, HOUR, MINUTE, Millis
from kassa.kit.effects import Effect, has_seen, planned
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


def debts(payment: Payment) -> list[str]:
    """What is owed to the buyer and was refused, or is not under way at all: why, in words."""
    open_now = [effect for effect in payment.effects if effect.done_at is None]
    refused_words = [effect.error for effect in open_now if effect.is_refused]
    is_under_way = any(effect.kind == Todo.REFUND_ALL for effect in open_now)
    return refused_words or ([NOT_UNDER_WAY] if owed_minor(payment) and not is_under_way else [])


def owing(payment: Payment, now: Millis) -> Payment:
    """The payment with what it owes asked for now, if that is not under way."""
    if NOT_UNDER_WAY not in debts(payment):
        return payment
    return followed(payment, MoneyBack.OWED, lambda current, todo: planned(current, todo, now))


def owed_again(payment: Payment, ended: Refund, now: Millis) -> Payment:
    """The payment after a refund has come to nothing: if its money is owed, that is asked for again later."""
    if ended.status not in GIVEN_BACK or NOT_UNDER_WAY not in debts(payment):
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


def second_returned(payment: Payment, state: RefundState, now: Millis) -> Payment:
    """A refund of another payment than this one: its money came a second time, and is owed again if the bank has sent
    it back."""
    cause = Cause(inputs.second(state.id, state.status), "stripe", state.failure_reason or state.status)
    if state.status not in GIVEN_BACK or has_seen(payment, cause.id):
        return payment
    of_it = [each for each in payment.effects if each.args.get("intent") == state.intent_id]
    amount = max([state.amount, *(int(each.args["amount"]) for each in of_it)])
    what = f"refund {state.id} of a second payment: {state.status}"
    noted = entry(cause, what, payment.stage, payment.stage, now)
    changed = msgspec.structs.replace(payment, audit=(*payment.audit, noted), updated_at=now)
    at = now + _doubled(AFTER_RETURN, max(1, len(of_it)), LONGEST_AFTER_RETURN)
    args = {"intent": str(state.intent_id), "amount": str(amount)}
    return followed(changed, MoneyBack.SECOND_RETURNED, _refused(cause.why, now, at, 1, **args))


def pause_after_refusal(times: int) -> Millis:
    """How long after so many refusals."""
    return _doubled(AFTER_REFUSAL, times, LONGEST_AFTER_REFUSAL)


def _refused(words: str, now: Millis, at: Millis, times: int, **args: str) -> Callable[[Payment, Todo], Effect]:
    return lambda payment, todo: effects.refused(payment, todo, words, now, at=at, attempts=times, **args)


def _doubled(first: Millis, times: int, longest: Millis) -> Millis:
    return min(longest, first << min(times - 1, 20))
