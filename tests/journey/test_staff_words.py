"""What staff write, and who they are, reaches no buyer: whatever a buyer asks for, by the API or by the pages."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import jwt
import pytest
import pytest_asyncio

from kassa.pages.account import ACCOUNT
from kassa.pages.cart_pages import CART_PAGES
from kassa.pages.checkout import CHECKOUT
from kassa.pages.console import CONSOLE
from kassa.pages.storefront import STOREFRONT
from kassa.pages.visit import ACCESS
from tests.journey.running import DECLINED, Buyer, RunningShop

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

CANARY = "suspected-fraudster"
OF_STAFF = {
    ("/inventory/adjust", "reason"),
    ("/payments/{order_id}/refund", "reason"),
    ("/orders/{order_id}/hold", "why"),
    ("/orders/{order_id}/withdrawals/{number}/close", "why"),
}
"""The texts that staff write for themselves."""
FOR_ALL = {"name", "description", "category", "price", "compareAtPrice", "sku", "gtin", "taxClass", "familyId"}
FOR_ALL |= {"withdrawalExcluded"}
FOR_ALL |= {"home", "kind", "code", "percent", "amount", "minimum"}
ABOUT_GOODS = ("/products", "/families", "/selling", "/discounts")
"""What staff write about goods and how they are sold, for whoever looks at them."""
OF_BUYERS = {"/orders", "/quotes", "/orders/{order_id}/claim", "/orders/{order_id}/returns"}
OF_BUYERS |= {"/orders/{order_id}/destination", "/withdrawals", "/stock-notices", "/stock-notices/{token}/confirm"}
"""Where it is the buyer who writes."""
TO_BUYERS = {"/orders/{order_id}/shipments", "/shop-profile"}
TO_BUYERS |= {f"/orders/{{order_id}}/returns/{{number}}/{each}" for each in ("decline", "close")}
"""What staff write for a buyer to read."""


@pytest.fixture(scope="module")
def form() -> str:
    return "sqlite"


class Written:
    """A shop in which staff has written the canary wherever it can, and a buyer whom it is about."""

    def __init__(self, shop: RunningShop, admin: Buyer, buyer: Buyer, document: dict[str, Any]) -> None:
        self.shop, self.admin, self.buyer, self.document = shop, admin, buyer, document
        self.ids: dict[str, list[str]] = {}
        claims = jwt.decode(admin.token, options={"verify_signature": False})
        self.traces = [CANARY, claims["sub"], claims["email"]]

    def paths(self, template: str) -> Iterator[str]:
        """The template with each of the ids that there are."""
        ids = next((ids for name, ids in self.ids.items() if f"{{{name}" in template), [""])
        return (re.sub(r"\{.+?\}", each, template) for each in ids)

    def traces_in(self, text: str) -> list[str]:
        return [trace for trace in self.traces if trace in text]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def written(shop: RunningShop) -> AsyncIterator[Written]:
    admin, buyer = await shop.admin(), await shop.buyer()
    made = Written(shop, admin, buyer, (await shop.call("GET", "/openapi.json")).body)
    mug = await admin.product(stock=9)
    paid, ended, declined, regretted = [await buyer.checkout(mug) for _ in range(4)]
    await buyer.pay(paid[1])
    await buyer.pay(regretted[1])
    await buyer.pay(declined[1], DECLINED)
    await buyer.becomes(paid[0], "CONFIRMED")
    await buyer.becomes(regretted[0], "CONFIRMED")
    await buyer.becomes(declined[0], "CANCELLED")
    pieces = [{"productId": mug, "quantity": 1}]
    refund = {"amount": "5.00", "reason": CANARY, "items": pieces}
    assert (await admin.call("POST", f"/payments/{paid[0]}/refund", refund)).status == 201
    adjusted = {"productId": mug, "change": 1, "reason": CANARY}
    assert (await admin.call("POST", "/inventory/adjust", adjusted)).status == 200
    assert (await admin.call("POST", f"/orders/{ended[0]}/cancel")).status == 200
    assert (await admin.call("POST", f"/orders/{paid[0]}/hold", {"why": CANARY})).status == 200
    await buyer.refunded(paid[0], 500)
    stated = {"orderId": regretted[0], "name": "Ada", "confirm": True}
    assert (await buyer.call("POST", "/withdrawals", stated)).status == 201
    closed = await admin.call("POST", f"/orders/{regretted[0]}/withdrawals/1/close", {"why": CANARY})
    assert closed.status == 200, closed.body
    sessions = (await buyer.call("GET", "/auth/sessions")).body["sessions"]
    made.ids = {
        "order_id": [paid[0], ended[0], declined[0], regretted[0]],
        "product_id": [mug], "session_id": [sessions[0]["id"]], "event_id": ["evt_1"],
    }  # fmt: skip
    yield made


def texts(document: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    """The names of the members that are texts, and no choice among some."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for name, member in schema.get("properties", {}).items():
        kinds = [member, *member.get("anyOf", ()), *member.get("oneOf", ())]
        free = [kind for kind in kinds if "enum" not in kind and kind.get("format") != "date-time"]
        if any("string" in str(kind.get("type")) for kind in free):
            yield name


async def test_the_canary_is_in_every_text_of_staff(written: Written) -> None:
    found = set()
    for path, methods in written.document["paths"].items():
        for operation in methods.values():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            names = set(texts(written.document, content.get("schema", {})))
            names -= {"productId", "orderId", "returnId", *(FOR_ALL if path.startswith(ABOUT_GOODS) else ())}
            found |= {
                (path, name)
                for name in names
                if not path.startswith(("/auth/", "/events")) and path not in OF_BUYERS | TO_BUYERS
            }
    assert found == OF_STAFF


async def test_an_administrator_reads_all_of_it(written: Written) -> None:
    order_id = written.ids["order_id"][0]
    story = await written.admin.call("GET", f"/orders/{order_id}/timeline")
    assert written.traces_in(json.dumps(story.body)) == written.traces


async def test_no_answer_to_the_buyer_has_a_trace_of_staff(written: Written) -> None:
    wrong, asked, order_id = [], 0, written.ids["order_id"][0]
    for template, methods in written.document["paths"].items():
        for method, path in ((method, path) for method in methods for path in written.paths(template)):
            if template in ("/auth/logout", "/auth/sessions/{session_id}", "/auth/sessions") and method != "get":
                continue  # what would end the buyer's own session
            body = None if method == "get" else {"orderId": order_id}
            answer = await written.buyer.call(method.upper(), path, body)
            asked += 1
            if traces := written.traces_in(json.dumps(answer.body)):
                wrong.append((method, path, traces))
    assert asked > 50
    assert wrong == []


async def test_no_page_of_the_buyer_has_a_trace_of_staff(written: Written) -> None:
    pages = {path for each in (*STOREFRONT, *CART_PAGES, *CHECKOUT, *ACCOUNT, *CONSOLE) for path in each.paths}
    wrong, seen = [], set()
    for template in sorted(page.replace(":str", "") for page in pages):
        for path in written.paths(template):
            address = f"{path}?order={written.ids['order_id'][0]}"
            answer = await written.shop.call("GET", address, Cookie=f"{ACCESS}={written.buyer.token}")
            seen.add(answer.status)
            if traces := written.traces_in(str(answer.body)):
                wrong.append((path, traces))
    assert {200, 403} <= seen
    assert wrong == []


async def test_the_buyer_is_told_what_concerns_them(written: Written) -> None:
    stories = [
        (await written.buyer.call("GET", f"/orders/{order_id}/timeline")).body["entries"]
        for order_id in written.ids["order_id"]
    ]
    told = [[entry["text"] for entry in story] for story in stories]
    assert told[3][2].startswith("You withdrew from the contract: ")
    assert told[3][3] == "The shop has closed your withdrawal. Ask the shop, if you have not got your money."
    assert told[:3] == [
        [
            "You placed the order. Its goods are held for you.",
            "The order is paid.",
            "A part of your money was sent back to you.",
        ],
        [
            "You placed the order. Its goods are held for you.",
            "The shop cancelled the order.",
            "The order is cancelled.",
        ],
        [
            "You placed the order. Its goods are held for you.",
            "Your card was declined, so the order ends.",
            "The order is cancelled.",
        ],
    ]
    assert all(entry["data"] == {} for story in stories for entry in story)
