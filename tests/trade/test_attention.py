"""Nothing is given up silently: what fails for long is shown to administrators until it is done."""

from typing import Any

import httpx
import pytest
from litestar import Litestar

from kassa.app.metrics import Metrics
from kassa.kit.clock import HOUR, MINUTE
from kassa.kit.effects import NEEDS_ATTENTION_AFTER
from kassa.kit.identity import Principal, TokenVerifier
from kassa.kit.inputs import number_of
from kassa.kit.problem import Unauthenticated
from kassa.kit.web import EXCEPTION_HANDLERS
from kassa.order import routes as order_routes
from kassa.order.domain import Order
from kassa.payment import routes as payment_routes
from tests.trade.world import ADMIN, BUYER, World

PATHS = ("/orders/admin/attention", "/payments/admin/attention")


class Doorman(TokenVerifier):
    """Takes the name of a role for a token."""

    def __init__(self) -> None:
        """Needs no keys."""

    async def principal(self, authorization: str | None) -> Principal:
        for each in (ADMIN, BUYER):
            if authorization == each.role:
                return each
        raise Unauthenticated


async def asked(shop: World, path: str, role: str = "admin", method: str = "GET", body: Any = None) -> httpx.Response:
    """The API's answer."""
    app: Any = Litestar(
        [*order_routes.HANDLERS, *payment_routes.HANDLERS], openapi_config=None, exception_handlers=EXCEPTION_HANDLERS
    )
    services: dict[str, Any] = {"order": shop.order, "payment": shop.payment, "notices": shop.notices}
    services |= {"unclaimed": shop.unclaimed, "ids": shop.ids}
    app.state.update({**services, "verifier": Doorman()})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test") as http:
        return await http.request(method, path, headers={"authorization": role} if role else {}, json=body)


async def cancelled_while_stripe_is_down(shop: World) -> Order:
    """An order whose session can not be expired, and what Stripe knows of it not be asked."""
    order = await shop.place((await shop.sell(), 1))
    await shop.open(order)
    for name in ("expire_session", "session"):
        shop.stripe.faults[name] = ["before"] * 1000
    await shop.order.cancel(order.id, BUYER)
    return order


async def test_while_stripe_is_down_for_long_it_is_shown_and_gone_when_stripe_is_back(shop: World) -> None:
    order = await cancelled_while_stripe_is_down(shop)
    await shop.later(2 * MINUTE)
    for path in PATHS:
        assert (await asked(shop, path)).json()["waiting"] == []
    await shop.later(HOUR)
    for path, kind, document in zip(
        PATHS, ("close_payment", "look_up"), (order, await shop.payment_now(order)), strict=True
    ):
        answer = (await asked(shop, path)).json()
        waiting = answer["waiting"][0]
        assert (waiting["id"], waiting["orderId"], waiting["kind"]) == (document.id, order.id, kind)
        assert waiting["effect"].startswith(f"{document.id}:")
        assert waiting["attempts"] >= NEEDS_ATTENTION_AFTER
        assert (waiting["error"], waiting["nextAt"][:4]) == ("no answer", "2026")
        assert answer["pagination"] == {"total": 1, "limit": 20, "skip": 0, "nextCursor": None}
    shop.stripe.faults.clear()
    await shop.later(2 * HOUR)
    assert (await shop.order_now(order)).status == "CANCELLED"
    for path in PATHS:
        answer = (await asked(shop, path)).json()
        assert (answer["waiting"], answer["pagination"]["total"]) == ([], 0)


async def test_the_metrics_count_what_needs_attention(shop: World) -> None:
    await cancelled_while_stripe_is_down(shop)
    metrics = Metrics("order", shop.clock, {"orders": shop.order.orders})
    assert b'kassa_effects_needing_attention{collection="orders"} 0.0' in (await metrics.text())[0]
    await shop.later(HOUR)
    assert b'kassa_effects_needing_attention{collection="orders"} 1.0' in (await metrics.text())[0]


@pytest.mark.parametrize("path", PATHS)
async def test_what_needs_attention_is_for_administrators_and_comes_in_pages(shop: World, path: str) -> None:
    assert (await asked(shop, path, "")).status_code == 401
    assert (await asked(shop, path, "user")).status_code == 403
    assert (await asked(shop, f"{path}?limit=101")).status_code == 422
    for _ in range(3):
        await cancelled_while_stripe_is_down(shop)
    await shop.later(HOUR)
    first = (await asked(shop, f"{path}?limit=2")).json()
    second = (await asked(shop, f"{path}?limit=2&cursor={first['pagination']['nextCursor']}")).json()
    assert (first["pagination"]["total"], second["pagination"]["nextCursor"]) == (3, None)
    assert len({each["orderId"] for each in (*first["waiting"], *second["waiting"])}) == 3


async def test_what_has_failed_is_tried_when_an_operator_says_so(shop: World) -> None:
    order = await cancelled_while_stripe_is_down(shop)
    await shop.later(5 * MINUTE)
    of_order, of_payment = await shop.order_now(order), await shop.payment_now(order)
    for document, service in ((of_order, "orders"), (of_payment, "payments")):
        (effect,) = [each for each in document.effects if each.done_at is None and each.attempts]
        path = f"/{service}/{order.id}/effects/{number_of(effect.id)}/retry"
        assert (await asked(shop, path, "user", "POST")).status_code == 403
        waiting = (await asked(shop, path, method="POST")).json()["waiting"]
        assert (waiting["effect"], waiting["attempts"]) == (effect.id, effect.attempts + 1)
        assert waiting["error"] == "no answer"
        assert (await asked(shop, path.replace("effects/", "effects/9"), method="POST")).status_code == 404
    shop.stripe.faults.clear()
    (effect,) = [each for each in (await shop.order_now(order)).effects if each.done_at is None and each.attempts]
    path = f"/orders/{order.id}/effects/{number_of(effect.id)}/retry"
    for _ in range(2):
        assert (await asked(shop, path, method="POST")).json() == {"waiting": None}
    await shop.settle()
    assert (await shop.order_now(order)).status == "CANCELLED"


async def test_what_is_about_goods_or_money_is_not_given_up(shop: World) -> None:
    order = await cancelled_while_stripe_is_down(shop)
    await shop.later(MINUTE)
    (effect,) = [each for each in (await shop.order_now(order)).effects if each.done_at is None and each.attempts]
    path = f"/orders/{order.id}/effects/{number_of(effect.id)}/give-up"
    answer = await asked(shop, path, method="POST", body={"because": "too_late"})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_given_up")
    (kept,) = [each for each in (await shop.order_now(order)).effects if each.id == effect.id]
    assert kept.done_at is None
    assert (await asked(shop, path, method="POST", body={"because": "she is rude"})).status_code == 422
    other = await asked(shop, path.replace(order.id, "ord_none"), method="POST", body={"because": "too_late"})
    assert other.status_code == 404


async def test_what_should_have_had_its_turn_is_counted(shop: World) -> None:
    """Nobody carries anything out here: a worker that stands still is seen by that."""
    await shop.place((await shop.sell(), 1))
    assert [(await asked(shop, path)).json()["overdue"] for path in PATHS] == [0, 0]
    shop.clock.advance(HOUR)
    assert [(await asked(shop, path)).json()["overdue"] for path in PATHS] == [1, 0]
