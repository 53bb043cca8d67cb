"""Events that name an account, as those of connected accounts and of organizations do: whose they are."""

import json
from typing import Any

import pytest

from kassa.contracts.payment import StripeUnreachable
from tests.trade.test_shops import differences, foreign, opened, stored, told
from tests.trade.world import World

OTHER, OURS = "acct_other", "acct_ours"
THEIRS = [{"account": OTHER}, {"context": OTHER}, {"account": OTHER, "context": f"{OURS}/{OTHER}"}]
OWN = [{"account": OURS}, {"context": OURS}, {"context": f"org_1/{OURS}"}]
CANNOT_ASK, CAN_ASK = None, OURS


def naming(body: bytes, named: dict[str, str]) -> bytes:
    return json.dumps(json.loads(body) | named).encode()


@pytest.fixture(params=[CAN_ASK, CANNOT_ASK], ids=["it can be asked for", "the key may not ask"])
def account(shop: World, request: pytest.FixtureRequest) -> str | None:
    """Our account, as far as our key may know it."""
    shop.stripe.account = request.param
    return shop.stripe.account


@pytest.mark.parametrize("named", THEIRS, ids=str)
async def test_another_accounts_event_is_ignored_though_it_names_our_payment(
    shop: World, account: str | None, named: dict[str, str]
) -> None:
    order, payment = await opened(shop)
    metadata = payment.params["metadata"]
    error = {"decline_code": "lost_card", "message": "Your card was declined.", "charge": "ch_theirs"}
    for subject in (
        {"id": "cs_theirs", "object": "checkout.session", "metadata": metadata},
        {"id": "pi_theirs", "object": "payment_intent", "metadata": metadata, "last_payment_error": error},
        {"id": "re_theirs", "object": "refund", "metadata": metadata},
    ):
        kind = {
            "checkout.session": "checkout.session.completed",
            "payment_intent": "payment_intent.payment_failed",
            "refund": "refund.created",
        }[str(subject["object"])]
        event = await stored(shop, naming(shop.stripe.event(kind, subject), named))
        assert (event.status, event.note, event.due_at) == ("ignored", f"of account {OTHER}", None)
    assert (await shop.order_now(order)).status == "PENDING"
    assert (await shop.payment_now(order)).declines == ()


@pytest.mark.parametrize("named", THEIRS, ids=str)
async def test_another_accounts_event_is_ignored_though_our_key_reads_its_object(
    shop: World, named: dict[str, str]
) -> None:
    order, payment = await opened(shop)
    shop.stripe.pay(str(payment.session_id))
    event = await stored(shop, naming(shop.stripe.session_event("completed", str(payment.session_id)), named))
    assert (event.status, event.note) == ("ignored", f"of account {OTHER}")
    assert (await shop.order_now(order)).status == "PENDING"
    shop.stripe.feed.clear()
    await shop.pay(payment)


@pytest.mark.parametrize("named", OWN, ids=str)
@pytest.mark.parametrize("is_thin", [False, True], ids=["snapshot", "thin"])
async def test_our_own_event_may_name_our_account(
    shop: World, account: str | None, named: dict[str, str], is_thin: bool
) -> None:
    order, payment = await opened(shop)
    shop.stripe.pay(str(payment.session_id))
    body = shop.stripe.session_event("completed", str(payment.session_id))
    if is_thin:
        body = shop.stripe.thin_event("checkout.session.completed")
        named = {"context": named.get("context", OURS)}
    assert (await stored(shop, naming(body, named))).status == "done"
    assert (await shop.order_now(order)).status == "CONFIRMED"


@pytest.mark.parametrize("named", OWN, ids=str)
async def test_money_that_no_order_knows_is_found_by_an_event_that_names_our_account(
    shop: World, account: str | None, named: dict[str, str]
) -> None:
    session_id = await foreign(shop, {})
    event = await stored(shop, naming(shop.stripe.session_event("completed", session_id), named))
    assert (event.status, event.note) == ("ignored", "of no payment that this shop knows")
    assert await told(shop) == [session_id]
    made = shop.stripe.refund_at_stripe(f"pi_{session_id}", 500)
    await shop.hook(naming(shop.stripe.refund_event("created", made.id), named))
    assert await told(shop) == []
    assert await differences(shop) == []


async def test_a_context_that_is_no_account_leaves_it_to_what_our_key_can_read(shop: World) -> None:
    order, payment = await opened(shop)
    shop.stripe.pay(str(payment.session_id))
    body = shop.stripe.session_event("completed", str(payment.session_id))
    assert (await stored(shop, naming(body, {"context": "wksp_1"}))).status == "done"
    assert (await shop.order_now(order)).status == "CONFIRMED"


async def test_while_our_account_cannot_be_asked_for_the_event_waits(shop: World) -> None:
    order, payment = await opened(shop)
    shop.stripe.pay(str(payment.session_id))
    shop.stripe.faults["account_id"] = ["before"]
    body = naming(shop.stripe.session_event("completed", str(payment.session_id)), {"context": OURS})
    assert (await stored(shop, body)).status == "parked"
    await shop.later(10_000)
    assert (await shop.order_now(order)).status == "CONFIRMED"


async def test_our_account_is_asked_for_once(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def account_id() -> str | None:
        asked.append("once")
        if len(asked) > 1:
            raise StripeUnreachable("asked again")
        return OURS

    monkeypatch.setattr(shop.stripe, "account_id", account_id)
    subject: dict[str, Any] = {"id": "cs_theirs", "object": "checkout.session"}
    for _ in range(3):
        body = naming(shop.stripe.event("checkout.session.expired", subject), {"account": OTHER})
        assert (await stored(shop, body)).status == "ignored"
    assert asked == ["once"]
