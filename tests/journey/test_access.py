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
