"""Who may do what: each endpoint, asked by everybody, over sockets, in each form of the shop."""

import pytest

from kassa.kit.access import SCOPES
from tests.journey.matrix import ENDED, ENDED_KEY, KEYS, OTHER, OWNER, STAFF, Matrix, Target
from tests.journey.running import RunningShop

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


async def test_everybody_is_let_in_where_the_table_says_so_and_nowhere_else(shop: RunningShop, form: str) -> None:
    admin, owner, other, ended = await shop.admin(), await shop.buyer(), await shop.buyer(), await shop.buyer()
    order_id, _ = await owner.checkout(await admin.product(stock=5))
    spare = await admin.product(stock=0)
    elsewhere = await owner.again()
    session_id = await elsewhere.session_id()
    assert (await ended.call("DELETE", f"/auth/sessions/{await ended.session_id()}")).status == 204
    tokens = {OWNER: owner.token, OTHER: other.token, ENDED: ended.token}
    tokens |= {role: (admin if role == "admin" else await shop.admin(role)).token for role in STAFF}
    for who, scope in (*zip(KEYS, SCOPES, strict=True), (ENDED_KEY, "orders:read")):
        made = await admin.call("POST", "/auth/keys", {"name": who, "scopes": [scope]})
        tokens[who] = made.body["secret"]
    assert (await admin.call("DELETE", f"/auth/keys/{made.body['key']['id']}")).status == 204
    matrix = Matrix(shop, tokens, Target(order_id, spare, session_id))
    assert await matrix.opened(1 if form == "sqlite" else 7) == []
    assert await matrix.wrong() == []


async def test_what_staff_and_keys_do_is_in_a_list_and_what_they_were_refused_too(shop: RunningShop) -> None:
    admin, support, buyer = await shop.admin(), await shop.admin("support"), await shop.buyer()
    mug = await admin.product(stock=5)
    made = (await admin.call("POST", "/auth/keys", {"name": "Shelves", "scopes": ["inventory:write"]})).body
    key = {"Authorization": f"Bearer {made['secret']}"}
    assert (await shop.call("POST", "/inventory/adjust", {"productId": mug, "change": -1}, **key)).status == 200
    assert (await shop.call("GET", "/orders/admin/all", **key)).status == 403
    assert (await support.call("DELETE", f"/products/{mug}")).status == 403
    assert (await buyer.call("DELETE", f"/products/{mug}")).status == 403
    assert (await admin.call("GET", "/orders/admin/all")).status == 200

    acts = (await admin.call("GET", "/auth/acts?limit=5")).body["acts"]
    told = [(each["role"], each["what"], each["subject"], each["outcome"], each["status"]) for each in acts]
    assert told == [
        ("support", f"DELETE /products/{mug}", mug, "refused", 403),
        ("key", "GET /orders/admin/all", "", "refused", 403),
        ("key", "POST /inventory/adjust", mug, "done", 200),
        ("admin", "POST /auth/keys", made["key"]["id"], "done", 201),
        ("admin", "POST /products", mug, "done", 201),
    ]
    assert {each["address"] for each in acts} == {"127.0.0.1"}
    assert acts[2]["name"] == "Shelves"
    assert made["secret"] not in str(acts)
    of_key = (await admin.call("GET", f"/auth/acts?who={made['key']['id']}&outcome=done")).body
    assert [each["what"] for each in of_key["acts"]] == ["POST /inventory/adjust"]
    status, printed = await shop.command("acts", "--subject", mug, "--outcome", "refused")
    assert status == 0
    assert f"DELETE /products/{mug}" in printed
    assert (await support.call("GET", "/auth/acts")).status == 403


async def test_the_console_shows_the_list_to_an_administrator_and_to_nobody_else(shop: RunningShop) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    mug = await admin.product(stock=1)
    page = await shop.call("GET", "/console/acts", Cookie=f"kassa_token={admin.token}", Accept="text/html")
    assert page.status == 200
    assert "POST /products" in page.body
    assert mug in page.body
    for role, path in (("support", "/console/orders"), ("stock", "/console/products")):
        cookie = f"kassa_token={(await shop.admin(role)).token}"
        for each, status in (("/console", 200), (path, 200), ("/console/acts", 403)):
            assert (await shop.call("GET", each, Cookie=cookie, Accept="text/html")).status == status, (role, each)
    refused = await shop.call("GET", "/console/acts", Cookie=f"kassa_token={buyer.token}", Accept="text/html")
    assert refused.status == 403
