"""A dispute whose time is nearly over is told to whoever watches the shop."""

from kassa.kit.clock import DAY, HOUR
from tests.trade.test_evidence import disputed
from tests.trade.world import World


async def told(shop: World) -> list[str]:
    return [each.text for each in await shop.notices.all() if each.kind == "dispute_due"]


async def test_a_dispute_is_told_in_its_last_three_days_until_it_is_answered(shop: World) -> None:
    order = await disputed(shop)
    shop.clock.advance(6 * DAY - HOUR)
    assert await told(shop) == []
    shop.clock.advance(HOUR)
    (text,) = await told(shop)
    assert text.startswith("1 dispute wants an answer within 3 days, the first by 20")
    await disputed_again(shop)
    assert len(await told(shop)) == 1
    payment = await shop.payment_now(order)
    await shop.answers.answer(payment, "du_1", "evd_1", {"customer_name": "Ada"}, 1999, who="usr_admin")
    assert await told(shop) == []


async def disputed_again(shop: World) -> None:
    """Another one, which has time."""
    order = await shop.place((await shop.sell(), 1))
    payment = await shop.open(order)
    await shop.pay(payment)
    shop.stripe.dispute(str(payment.session_id), "needs_response", "du_2")
    await shop.hook(shop.stripe.dispute_event("created", "du_2"))


async def test_one_that_is_over_is_not_told_any_more(shop: World) -> None:
    await disputed(shop)
    shop.clock.advance(9 * DAY)
    assert await told(shop) == []
