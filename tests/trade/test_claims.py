"""A guest's order that an account takes, and its payment, whatever comes first."""

import pytest

from kassa.kit.identity import Principal, guest, guest_token
from kassa.kit.ids import ORDER
from kassa.kit.problem import NotFound
from kassa.order.domain import Kind, Order
from kassa.order.quoting import Asked
from kassa.payment.domain import Payment
from tests.trade.world import BUYER, OTHER, World


@pytest.mark.parametrize("way", ["paying", "closing"])
async def test_a_claim_while_the_payment_is_made_takes_the_payment_with_it(
    shop: World, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    order_id = shop.ids.new(ORDER)
    token = guest_token(b"a key", order_id)
    order = await shop.place((await shop.sell(), 1), who=guest(token), order_id=order_id)
    checkout = shop.payment.checkout
    insert = checkout._insert

    async def claimed_first(payment: Payment) -> Payment:
        await shop.order.claim(order_id, BUYER, token)
        await shop.settle()
        return await insert(payment)

    monkeypatch.setattr(checkout, "_insert", claimed_first)
    if way == "paying":
        await shop.open(order, guest(token))
    else:
        await shop.payment.close(order_id)
    assert (await shop.payment_now(order)).user_id == BUYER.id
    assert (await shop.order_now(order)).user_id == BUYER.id
    await shop.order.cancel(order_id, BUYER)


async def test_what_guests_of_an_address_have_ordered_becomes_whose_the_address_is(shop: World) -> None:
    mug, email, visitor = await shop.sell(stock=200), "ada@shop.example", guest(f"guest_{'a' * 64}")

    async def ordered(email: str = email, who: Principal = visitor) -> Order:
        asked = Asked(email=email, buyer=email)
        return await shop.place((mug, 1), who=who, asked=asked, is_guest=who.is_guest)

    paid = await ordered()
    await shop.pay(await shop.open(paid, visitor))
    mine = [paid, *[await ordered() for _ in range(101)]]
    others = [await ordered(f"a{email}"), await ordered(f"{email}.au"), await ordered(who=OTHER)]
    for _ in range(2):
        await shop.order.claim_of(email, BUYER.id)
        await shop.settle()
    now = [await shop.order_now(each) for each in mine]
    assert {each.user_id for each in now} == {BUYER.id}
    assert {sum(each.what == Kind.CLAIMED for each in order.audit) for order in now} == {1}
    assert (await shop.payment_now(paid)).user_id == BUYER.id
    assert [(await shop.order_now(each)).user_id for each in others] == [each.user_id for each in others]
    with pytest.raises(NotFound):
        await shop.order.visible(paid.id, visitor)
    await shop.order.claim_of(email, OTHER.id)
    assert (await shop.order_now(paid)).user_id == BUYER.id
