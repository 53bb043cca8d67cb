"""Staff finds customers: who has ordered, with an account or as a guest, and what their orders come to."""

from typing import Any

import msgspec
import pytest

from kassa.contracts.auth import Contact
from kassa.contracts.parts import Address
from kassa.kit.clock import MINUTE
from kassa.kit.identity import Principal
from kassa.kit.problem import Unavailable
from kassa.order import customers
from kassa.order.quoting import Asked
from tests.trade.parcels_door import Api
from tests.trade.world import BUYER, OTHER, World

ADA = Address("Ada Lovelace", "DE", ("Street 1",), "Berlin", "", "10115")
GUEST = Principal("gst_1", "", "guest", 2**40)


async def listed(ask: Api, query: str = "") -> dict[str, Any]:
    answer = await ask("GET", f"/orders/admin/customers?{query}")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def guest_order(shop: World, mug: str, number: int, email: str = "ada@mail.example") -> str:
    order = await shop.place(
        (mug, 1), who=Principal(f"gst_{number}", "", "guest", 2**40), asked=Asked(email=email, destination=ADA)
    )
    return order.id


async def test_each_customer_is_listed_once_with_what_their_orders_come_to(shop: World, ask: Api) -> None:
    mug, shop.order.contact_of = await shop.sell(stock=100, price_minor=1000), shop.contact
    first = await ask.paid((mug, 2))
    shop.clock.advance(MINUTE)
    await ask.paid((mug, 1))
    await ask("POST", f"/payments/{first.id}/refund", {"amount": "1.50", "reason": "scratched"})
    await shop.place((mug, 3))  # not paid
    await guest_order(shop, mug, 1)
    newest = await guest_order(shop, mug, 2)
    guest, account = (await listed(ask))["customers"]
    assert (guest["userId"], guest["email"], guest["name"]) == (None, "ada@mail.example", "Ada Lovelace")
    assert (guest["orders"], guest["spentMinor"], guest["lastOrder"]["id"]) == (2, 0, newest)
    assert (account["userId"], account["email"]) == (BUYER.id, BUYER.email)
    assert (account["orders"], account["spentMinor"], account["isMore"]) == (3, 2850, False)
    assert account["firstOrderedAt"] < account["lastOrder"]["createdAt"]


async def test_one_is_found_by_account_or_as_a_guest_by_address(shop: World, ask: Api) -> None:
    mug = await shop.sell(stock=100)
    await shop.place((mug, 1), asked=Asked(email="ada@mail.example"))
    await guest_order(shop, mug, 1)
    (account,) = (await listed(ask, f"userId={BUYER.id}"))["customers"]
    (guest,) = (await listed(ask, "email=ADA@mail.example"))["customers"]
    assert (account["userId"], account["orders"]) == (BUYER.id, 1)
    assert (guest["userId"], guest["orders"]) == (None, 1), "the order of an account is no guest's"
    for nobody in ("userId=usr_nobody", "email=nobody@mail.example", "userId=gst_1", "email="):
        assert (await listed(ask, nobody))["customers"] == [], nobody


async def test_words_are_looked_for_in_addresses_and_names(shop: World, ask: Api) -> None:
    mug = await shop.sell(stock=100)
    await guest_order(shop, mug, 1)
    await guest_order(shop, mug, 2, "bob@mail.example")
    assert [each["email"] for each in (await listed(ask, "q=LOVELACE%20bob"))["customers"]] == ["bob@mail.example"]
    assert len((await listed(ask, "q=mail.example"))["customers"]) == 2
    assert (await listed(ask, "q=teapot"))["customers"] == []


async def test_pages_have_each_customer_once_and_say_how_far_they_looked(
    shop: World, ask: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customers, "AT_ONCE", 2)
    mug = await shop.sell(stock=100)
    emails = [f"{name}@mail.example" for name in ("ada", "bob", "ada", "cy", "bob", "ada")]
    for number, email in enumerate(emails):
        await guest_order(shop, mug, number, email)
    page = await listed(ask, "limit=1")
    found = [each["email"] for each in page["customers"]]
    while cursor := page.get("nextCursor"):
        page = await listed(ask, f"limit=1&cursor={cursor}")
        found += [each["email"] for each in page["customers"]]
    assert found == ["ada@mail.example", "bob@mail.example", "cy@mail.example"]
    monkeypatch.setattr(customers, "MOST_LOOKED_AT", 4)
    page = await listed(ask, "q=nobody")
    assert (page["customers"], page["lookedBackTo"][:2]) == ([], "20")
    assert "lookedBackTo" not in await listed(ask, f"q=nobody&cursor={page['nextCursor']}")


async def _unreachable(_: str) -> Contact:
    raise Unavailable("auth does not answer")


async def test_who_was_forgotten_is_no_customer(shop: World, ask: Api) -> None:
    mug = await shop.sell(stock=100)
    order = await shop.place((mug, 1), who=GUEST, asked=Asked(email="ada@mail.example", destination=ADA))
    await shop.order.erase_guests("ada@mail.example")
    stored = await shop.order_now(order)
    assert msgspec.json.encode(stored).count(b"ada@") == 0
    assert (await listed(ask))["customers"] == []


async def test_an_account_is_listed_though_nobody_can_say_whose_it_is(shop: World, ask: Api) -> None:
    mug = await shop.sell(stock=100)
    await shop.place((mug, 1), who=OTHER)
    shop.order.contact_of = _unreachable
    (told,) = (await listed(ask))["customers"]
    assert (told["userId"], told["email"], told["name"]) == (OTHER.id, "", "")


@pytest.mark.parametrize(
    ("query", "field"),
    [(f"q={'x' * 201}", "q"), ("limit=0", "limit"), ("cursor=x", "cursor"), ("userId=a&email=b", "email"),
     (f"email={'x' * 400}", "email")],
)  # fmt: skip
async def test_what_cannot_be_looked_for_is_refused_by_name(ask: Api, query: str, field: str) -> None:
    refused = await ask("GET", f"/orders/admin/customers?{query}")
    assert refused.status_code == 422
    assert [each["field"] for each in refused.json()["errors"]] == [field]


@pytest.mark.parametrize(("who", "status"), [("support", 200), ("user", 403), ("", 401)])
async def test_who_may_see_orders_may_see_customers(ask: Api, who: str, status: int) -> None:
    assert (await ask("GET", "/orders/admin/customers", who=who)).status_code == status
