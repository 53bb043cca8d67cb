"""What is owed goes back otherwise: an operator refunds it in Stripe's dashboard, or a lost dispute takes it. As soon
as Kassa hears of that, in whatever way, it is owed no more, shown no more, and asked for no more."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from kassa.kit.clock import DAY, HOUR, Millis
from kassa.payment.balance import held_minor, refunded_minor
from kassa.payment.processor import RefundState
from tests.trade.stores import SQLITE
from tests.trade.test_attention import asked
from tests.trade.test_owed_refunds import ATTENTION, at_stripe, owes_a_second_payment, owes_late_money
from tests.trade.test_owed_refunds import OWING as OWING
from tests.trade.test_timeline import told
from tests.trade.world import World, found


@pytest.fixture
def form() -> str:
    return SQLITE  # The stores make no difference here, and there are many cases.


async def passes(shop: World, duration: Millis) -> None:
    shop.clock.advance(duration)
    for _ in range(4):
        await shop.relay()


Tell = Callable[[World, RefundState], Awaitable[None]]


def by_event(kind: str) -> Tell:
    async def tell(shop: World, made: RefundState) -> None:
        await shop.hook(shop.stripe.refund_event(kind, made.id))

    return tell


async def by_charge(shop: World, made: RefundState) -> None:
    charge: dict[str, Any] = {
        "id": f"ch_{made.intent_id}",
        "object": "charge",
        "metadata": {},
        "payment_intent": made.intent_id,
    }
    await shop.hook(shop.stripe.event("charge.refunded", charge))


async def by_older_event(shop: World, made: RefundState) -> None:
    refund: dict[str, Any] = {"id": made.id, "object": "refund", "metadata": {}, "payment_intent": made.intent_id}
    await shop.hook(shop.stripe.event("charge.refund.updated", refund))


async def by_all_backwards(shop: World, made: RefundState) -> None:
    await by_older_event(shop, made)
    await by_charge(shop, made)
    for kind in ("updated", "created"):
        await by_event(kind)(shop, made)


async def by_catching_up(shop: World, made: RefundState) -> None:
    shop.stripe.refund_event("created", made.id)
    await shop.reconciler.fetch_missed_events()
    await shop.settle()


async def by_comparing(shop: World, _: RefundState) -> None:
    (compare,) = (do for name, _, do in shop.reconciler.jobs() if name == "compare with Stripe")
    await compare()
    await shop.settle()


TELLING = (
    by_event("created"),
    by_event("updated"),
    by_charge,
    by_older_event,
    by_all_backwards,
    by_catching_up,
    by_comparing,
)

# A comparison of refunds knows a payment's own alone; of a second one the events tell.
CASES = [(owes, tell) for owes in OWING for tell in TELLING if (owes, tell) != (owes_a_second_payment, by_comparing)]


def owed_at(shop: World) -> tuple[str, int]:
    """Of which PaymentIntent money is owed: of the last session that was paid; and how much."""
    paid = [each for each in shop.stripe.sessions.values() if each.payment_status == "paid"]
    return str(paid[-1].intent_id), paid[-1].amount_total


async def is_content(shop: World) -> bool:
    shown = (await asked(shop, ATTENTION)).json()["waiting"]
    return shown == [] and await shop.audit() == [] and found(await shop.reconciler.compare(fix=False)) == []


@pytest.mark.parametrize(("owes", "tell"), CASES)
async def test_what_an_operator_has_given_back_is_owed_no_more_at_once(shop: World, owes: object, tell: Tell) -> None:
    order = await owes(shop)  # type: ignore[operator]
    made = shop.stripe.refund_at_stripe(*owed_at(shop))
    await tell(shop, made)
    assert await is_content(shop)
    calls = shop.stripe.calls.count("refund")
    shop.stripe.has_funds = True
    await passes(shop, DAY)
    assert (shop.stripe.calls.count("refund"), list(shop.stripe.refunds_made)) == (calls, [made.id])
    payment = await shop.payment_now(order)
    assert (payment.due_at, payment.needs_attention) == (None, False)
    assert await is_content(shop)


@pytest.mark.parametrize(("owes", "tell"), CASES)
async def test_of_what_an_operator_gives_back_in_part_the_rest_is_owed_and_asked_for(
    shop: World, owes: object, tell: Tell
) -> None:
    order = await owes(shop)  # type: ignore[operator]
    intent_id, amount = owed_at(shop)
    await tell(shop, shop.stripe.refund_at_stripe(intent_id, 500))
    assert len((await asked(shop, ATTENTION)).json()["waiting"]) == 1
    assert {each.invariant for each in await shop.audit()} == {"I2: money has an order"}
    payment = await shop.payment_now(order)
    assert held_minor(payment) in (0, amount), "no more is on its way than was taken"
    shop.stripe.has_funds = True
    await passes(shop, HOUR)
    assert [each.amount for each in shop.stripe.refunds_made.values()] == [500, amount - 500]
    await passes(shop, DAY)
    assert at_stripe(shop) == amount
    assert await is_content(shop)


@pytest.mark.parametrize("tell", TELLING)
async def test_what_a_bank_had_sent_back_is_given_by_an_operator(shop: World, tell: Tell) -> None:
    order = await owes_late_money(shop, has_funds=True)
    await shop.hook(shop.stripe.send_back("re_1"))
    assert not await is_content(shop)
    await tell(shop, shop.stripe.refund_at_stripe(*owed_at(shop)))
    assert await is_content(shop)
    await passes(shop, 3 * DAY)
    assert list(shop.stripe.refunds_made) == ["re_1", "re_2"]
    assert refunded_minor(await shop.payment_now(order)) == order.total_minor


async def test_an_operators_refund_that_comes_back_is_owed_again_in_full(shop: World) -> None:
    order = await owes_late_money(shop)
    part = shop.stripe.refund_at_stripe(owed_at(shop)[0], 500)
    await by_charge(shop, part)
    await shop.hook(shop.stripe.send_back(part.id))
    assert not await is_content(shop)
    shop.stripe.has_funds = True
    await passes(shop, 2 * DAY)
    assert [each.amount for each in shop.stripe.refunds_made.values()] == [500, order.total_minor - 500, 500]
    assert await is_content(shop)


async def test_the_timeline_says_why_nothing_is_asked_for_any_more(shop: World) -> None:
    order = await owes_late_money(shop)
    intent_id, amount = owed_at(shop)
    await by_charge(shop, shop.stripe.refund_at_stripe(intent_id, 500))
    await by_charge(shop, shop.stripe.refund_at_stripe(intent_id, amount - 500))
    story = await told(shop, order)
    assert "Some of the money has gone back otherwise: the refund is of what is left now." in story
    assert any(text.startswith("The money has gone back otherwise: the refund is not needed") for text in story)


async def test_a_lost_dispute_ends_what_was_owed_at_once(shop: World) -> None:
    await owes_late_money(shop)
    shop.stripe.dispute(str(owed_at(shop)[0]).removeprefix("pi_"), "lost")
    await shop.hook(shop.stripe.dispute_event("closed"))
    assert await is_content(shop)


async def test_a_lost_dispute_about_a_second_payment_ends_what_was_owed_of_it_at_once(shop: World) -> None:
    await owes_a_second_payment(shop)
    shop.stripe.dispute(str(owed_at(shop)[0]).removeprefix("pi_"), "lost")
    await shop.hook(shop.stripe.dispute_event("closed"))
    assert await is_content(shop)


async def test_a_part_that_an_operator_asks_for_here_and_then_gives_there_is_one_refund_too_many(shop: World) -> None:
    order = await shop.place((await shop.sell(), 1))
    await shop.pay(await shop.open(order))
    shop.stripe.faults["refund"] = ["before"]
    await shop.payment.refunding.refund(order.id, "rfd_1", 1000, "asked", who="usr_admin")
    await by_charge(shop, shop.stripe.refund_at_stripe(owed_at(shop)[0], 1500))
    assert await shop.audit() == [], "Stripe has yet to say what becomes of it"
    await passes(shop, HOUR)
    assert [each.status for each in (await shop.payment_now(order)).refunds] == ["failed", "succeeded"]
    assert await is_content(shop)
