"""What Stripe does not let the key do is told from the first refusal on, until the same works again."""

from contextlib import nullcontext
from typing import Any

import pytest

from kassa.contracts.payment import StripeKeyRefused, StripeUnreachable
from kassa.kit.clock import DAY, HOUR, MINUTE
from kassa.kit.problem import Unavailable
from kassa.order.domain import Order
from kassa.payment.key_rights import KeyRights
from kassa.payment.rights import EACH_RIGHT
from tests.trade.test_attention import asked
from tests.trade.world import World

SESSIONS = "Having the 'rak_checkout_session_write' permission would allow this request to continue."
NAMES = [f"{right.access} {right.resource}" for right in EACH_RIGHT]
DISPUTES = "Having the 'rak_dispute_read' permission would allow this request to continue."


async def told(shop: World) -> list[tuple[int, str]]:
    """What an administrator is told that the key lacks, which is what keeps the shop from being ready too."""
    notices = (await asked(shop, "/payments/admin/attention")).json()["notices"]
    assert all(each["advice"] for each in notices)
    found = [(each["count"], each["text"]) for each in notices if each["kind"] == "rights_missing"]
    refusals = pytest.raises(StripeKeyRefused) if found else nullcontext()
    with refusals as refused:
        await shop.key_rights.check()
    assert all(text in str(refused and refused.value) for _, text in found)
    return found


def refuse(shop: World, monkeypatch: pytest.MonkeyPatch, name: str, words: str) -> None:
    async def refused(*_: object) -> None:
        raise StripeKeyRefused(f"Stripe: {words}")

    monkeypatch.setattr(shop.stripe, name, refused)


async def refused_once(shop: World, monkeypatch: pytest.MonkeyPatch, order: Order) -> None:
    """Stripe refuses to make a session, and would not the next time."""
    with monkeypatch.context() as patched:
        refuse(shop, patched, "open_session", SESSIONS)
        with pytest.raises(StripeKeyRefused):
            await shop.open(order)


async def test_a_buyer_who_is_refused_for_want_of_a_right_is_told_at_once(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await shop.place((await shop.sell(), 1))
    shop.stripe.lacks = {"write Checkout Sessions": SESSIONS}
    await refused_once(shop, monkeypatch, order)
    ((count, text),) = await told(shop)
    assert count == 1
    assert text.startswith("Stripe has refused the key since 2026-")
    assert text.endswith(f"(write Checkout Sessions): {SESSIONS}")
    shop.clock.advance(DAY)
    await shop.key_rights.look()
    assert [each[0] for each in await told(shop)] == [2]
    shop.stripe.lacks.clear()
    await shop.key_rights.look()
    assert await told(shop) == []
    shop.stripe.lacks = {"write Checkout Sessions": SESSIONS}
    await shop.key_rights.look()
    assert [each[0] for each in await told(shop)] == [1]


async def test_a_refusal_that_no_right_explains_stays_until_the_same_call_works(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await shop.place((await shop.sell(), 1))
    for _ in range(2):
        await refused_once(shop, monkeypatch, order)
        shop.clock.advance(MINUTE)
    await shop.key_rights.look()
    ((count, text),) = await told(shop)
    assert (count, text.endswith(f"(open session): {SESSIONS}")) == (2, True)
    await shop.open(order)
    assert await told(shop) == []


async def test_a_refusal_that_passed_ends_though_the_call_is_not_made_again(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await shop.place((await shop.sell(), 1))
    await refused_once(shop, monkeypatch, order)
    shop.clock.advance(HOUR)
    shop.stripe.lacks = {"read Disputes": DISPUTES}
    await shop.key_rights.look()
    assert len(await told(shop)) == 2
    shop.stripe.lacks.clear()
    await shop.key_rights.look()
    await shop.key_rights.look()
    assert await told(shop) == []


async def test_many_that_are_refused_have_the_rights_used_once(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[object] = []

    async def use(right: object) -> None:
        used.append(right)

    monkeypatch.setattr(shop.stripe, "use", use)

    async def refused() -> None:
        raise StripeKeyRefused(f"Stripe: refused, request {len(used)}")

    for _ in range(50):
        with pytest.raises(StripeKeyRefused):
            await shop.key_rights.call("refund", refused)
    assert len(used) == len(EACH_RIGHT)


async def test_each_reason_is_told_once_with_all_that_it_stops(shop: World) -> None:
    shop.stripe.lacks = dict.fromkeys(NAMES, "check STRIPE_SECRET_KEY") | {"read Disputes": DISPUTES}
    await shop.key_rights.look()
    disputes, rest = sorted((text for _, text in await told(shop)), key=len)
    assert disputes.endswith(f"(read Disputes): {DISPUTES}")
    assert all(name in rest for name in NAMES if name != "read Disputes")


async def test_what_one_process_is_refused_another_shows_and_ends(shop: World) -> None:
    other = KeyRights(shop.key_refusals, shop.stripe, shop.clock)
    shop.stripe.lacks = {"read Disputes": DISPUTES}
    await other.look()
    assert len(await told(shop)) == 1
    shop.stripe.lacks.clear()
    shop.clock.advance(MINUTE)
    await shop.key_rights.look()
    assert await told(shop) == []


async def test_a_stripe_that_is_away_changes_nothing(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.stripe.lacks = {"read Disputes": DISPUTES}
    await shop.key_rights.look()
    before = await told(shop)

    async def away(*_: object) -> None:
        raise StripeUnreachable("no answer")

    monkeypatch.setattr(shop.stripe, "use", away)
    with pytest.raises(StripeUnreachable):
        await shop.key_rights.look()
    assert await told(shop) == before


async def test_while_the_store_is_down_a_call_ends_as_it_does(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def down(*_: object, **__: object) -> Any:
        raise Unavailable

    monkeypatch.setattr(shop.key_refusals, "find", down)
    monkeypatch.setattr(shop.key_refusals, "get", down)
    watched = shop.key_rights.watching(shop.stripe)
    assert await watched.account_id() == "acct_ours"
    refuse(shop, monkeypatch, "account_id", SESSIONS)
    with pytest.raises(StripeKeyRefused):
        await watched.account_id()
