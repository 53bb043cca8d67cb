"""What the shop stores of a customer is told to the last letter, and gone to the last byte after the erasure."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import pytest_asyncio
from pymongo import MongoClient
from redis import Redis

from tests.journey.running import Buyer, RunningShop, until
from tests.trade.stripe_at_the_port import real_signature

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

CANARY = "canarybird"
EMAIL, NAME, PASSWORD = f"{CANARY}.mail@shop.example", f"{CANARY} name", "four words that nobody has"
AGENT = f"{CANARY}-agent/1"
REASON = f"{CANARY} says that the parcel is broken"
OF_STRIPE = ("sandbox.db", "sandbox.db-wal", "sandbox.db-shm")
"""What stands in for Stripe is not the shop's."""


def event(number: int, type: str, subject: dict[str, Any]) -> bytes:
    """An event as Stripe sends it, with all that it tells of the buyer."""
    person = {
        "email": f"{CANARY}{number}@buyer.example", "name": f"{CANARY}{number}", "phone": f"{CANARY}{number}",
        "address": {"line1": f"{CANARY}{number} street", "city": CANARY, "postal_code": CANARY},
    }  # fmt: skip
    error = {"code": "card_declined", "message": "Declined.", "payment_method": {"billing_details": person}}
    whole = {
        "customer_details": person, "shipping_details": person, "billing_details": person, "receipt_email": CANARY,
        "description": CANARY, "metadata": {"note": CANARY}, "last_payment_error": error, "url": CANARY, **subject,
    }  # fmt: skip
    at = int(time.time())
    body = {"id": f"evt_{CANARY[:3]}{number}", "object": "event", "type": type, "created": at, "livemode": False}
    return json.dumps({**body, "data": {"object": whole, "previous_attributes": person}}).encode()


async def tell(shop: RunningShop, body: bytes) -> None:
    secret = (shop.data / "sandbox-webhook-secret").read_text().strip()
    headers = {"Stripe-Signature": real_signature(body, secret), "Content-Type": "application/json"}
    async with shop.http.post(f"{shop.base}/payments/webhook", data=body, headers=headers) as answer:
        assert answer.status == 200, await answer.text()


class Customer:
    """Somebody who has left the canary wherever one can, and the administrator who has written of them."""

    def __init__(self, shop: RunningShop, buyer: Buyer, admin: Buyer, user: dict[str, Any], refresh: str) -> None:
        self.shop, self.buyer, self.admin, self.user, self.refresh = shop, buyer, admin, user, refresh
        self.paid = self.unpaid = ""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def customer(shop: RunningShop) -> Customer:
    account = {"email": EMAIL, "name": NAME, "password": PASSWORD}
    made = (await shop.call("POST", "/auth/register", account, **{"User-Agent": AGENT})).body
    buyer, admin = Buyer(shop, made["token"]), await shop.admin()
    found = Customer(shop, buyer, admin, made["user"], made["refreshToken"])
    assert (await admin.call("PUT", "/events/feed", {"isOn": True})).status == 200
    mug = await admin.product(stock=9)
    found.paid, session = await buyer.checkout(mug)
    intent = {"object": "payment_intent", "id": "pi_none", "metadata": {"orderId": found.paid}}
    await tell(shop, event(1, "payment_intent.payment_failed", intent))
    await buyer.pay(session)
    await buyer.becomes(found.paid, "CONFIRMED")
    await tell(shop, event(2, "checkout.session.completed", {"id": session, "object": "checkout.session"}))
    await tell(shop, event(3, "customer.created", {"id": "cus_1", "object": "customer", "email": EMAIL}))
    refund = {"amount": "5.00", "reason": REASON}
    asked = await admin.call("POST", f"/payments/{found.paid}/refund", refund, **{"Idempotency-Key": "key-1"})
    assert asked.status == 201
    await buyer.refunded(found.paid, 500)
    found.unpaid, _ = await buyer.checkout(mug)
    gone = {"productId": await admin.product(stock=0), "email": EMAIL}
    assert (await shop.call("POST", "/stock-notices", gone)).status == 202
    return found


def stored(shop: RunningShop, settings: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """All that the shop stores: its files, the documents, the keys; by what it is called."""
    for path in sorted(shop.data.rglob("*")):
        if path.is_file() and path.name not in OF_STRIPE:
            yield path.name, path.read_bytes()
    if not settings:
        return
    with MongoClient[Any](settings["MONGO_URI"]) as client:
        for name in client.list_database_names():
            for collection in client[name].list_collection_names() if name.endswith("db") else ():
                for document in client[name][collection].find():
                    yield f"{name}.{collection}", str(document).encode()
    with Redis.from_url(settings["REDIS_URL"]) as redis:
        for key in redis.scan_iter():
            yield "redis", key + (redis.dump(key) or b"")


def with_canary(shop: RunningShop, settings: dict[str, str]) -> set[str]:
    return {name for name, content in stored(shop, settings) if CANARY.encode() in content}


async def test_an_export_tells_all_that_is_stored(customer: Customer) -> None:
    answer = await customer.buyer.call("POST", "/auth/account/export", {"password": PASSWORD})
    assert answer.status == 200
    document = answer.body
    assert (document["account"]["email"], document["account"]["name"]) == (EMAIL, NAME)
    assert [each["program"] for each in document["sessions"]] == [AGENT]
    orders = {each["order"]["id"]: each for each in document["orders"]}
    assert set(orders) == {customer.paid, customer.unpaid}
    assert [each["isConfirmed"] for each in document["stockNotices"]] == [False]
    payment = orders[customer.paid]["payment"]
    assert payment["status"]["status"] == "SUCCESS"
    assert [(each["amountMinor"], each["reason"]) for each in payment["refunds"]] == [(500, "")]
    assert any(each.startswith("pi_") for each in payment["atStripe"])
    kinds = [each["kind"] for each in orders[customer.paid]["invoices"]]
    assert (kinds[:1], orders[customer.unpaid]["invoices"]) == (["invoice"], [])
    assert [each["text"] for each in orders[customer.unpaid]["timeline"]] == [
        "You placed the order. Its goods are held for you."
    ]


async def test_an_operator_exports_also_what_staff_wrote(customer: Customer, form: str) -> None:
    status, printed = await customer.shop.command("customer", "export", EMAIL)
    assert status == 0, printed
    told = json.loads(printed)
    refunds = [refund for each in told["orders"] if each["payment"] for refund in each["payment"]["refunds"]]
    assert [refund["reason"] for refund in refunds] == [REASON]


@pytest.mark.parametrize("what", ["export", "erase"])
async def test_neither_is_done_without_the_password(customer: Customer, what: str) -> None:
    answer = await customer.buyer.call("POST", f"/auth/account/{what}", {"password": "another one, not right"})
    assert (answer.status, answer.body["code"]) == (401, "wrong_credentials")
    assert (await customer.shop.call("POST", f"/auth/account/{what}", {"password": PASSWORD})).status == 401


async def test_an_administrator_is_not_erased(customer: Customer) -> None:
    body = {"password": "correct horse battery"}
    answer = await customer.admin.call("POST", "/auth/account/erase", body)
    assert (answer.status, answer.body["code"]) == (409, "staff_account")


async def test_after_the_erasure_no_byte_is_left(customer: Customer, settings: dict[str, str]) -> None:
    shop = customer.shop
    assert with_canary(shop, settings), "the canary is nowhere: this test would prove nothing"
    assert (await customer.buyer.call("POST", "/auth/account/erase", {"password": PASSWORD})).status == 204
    assert (await customer.buyer.call("GET", "/orders")).status == 401
    assert (await shop.call("POST", "/auth/refresh", {"refreshToken": customer.refresh})).status == 401
    assert (await shop.call("POST", "/auth/login", {"email": EMAIL, "password": PASSWORD})).status == 401
    id_as_email = {"email": customer.user["id"], "password": PASSWORD}
    assert (await shop.call("POST", "/auth/login", id_as_email)).status in (401, 422)

    async def is_gone() -> bool:
        return not with_canary(shop, settings)

    await until(is_gone, "the canary to be gone")
    await customer.admin.becomes(customer.unpaid, "CANCELLED")
    paid = (await customer.admin.call("GET", f"/orders/{customer.paid}")).body["order"]
    assert (paid["status"], paid["userId"], paid["totalAmountMinor"]) == ("CONFIRMED", customer.user["id"], 1999)


async def test_what_comes_afterwards_leaves_nothing_either(customer: Customer, settings: dict[str, str]) -> None:
    await tell(customer.shop, event(4, "charge.refunded", {"id": "ch_1", "object": "charge", "payment_intent": "pi_1"}))
    assert with_canary(customer.shop, settings) == set()


async def test_the_books_still_agree(customer: Customer) -> None:
    for command in ("audit", "reconcile"):
        status, printed = await customer.shop.command(command)
        assert status == 0, printed
    refunds = (await customer.admin.call("GET", f"/payments/{customer.paid}/refunds")).body
    assert [(each["amountMinor"], each["reason"]) for each in refunds["refunds"]] == [(500, "")]
    status, printed = await customer.shop.command("customer", "erased")
    assert status == 0
    assert printed.split()[0] == customer.user["id"]


async def test_the_address_is_free_again(customer: Customer) -> None:
    account = {"email": EMAIL, "password": PASSWORD}
    made = await customer.shop.call("POST", "/auth/register", account)
    assert made.status == 201
    assert made.body["user"]["id"] != customer.user["id"]
    orders = await Buyer(customer.shop, made.body["token"]).call("GET", "/orders")
    assert orders.body["pagination"]["total"] == 0
