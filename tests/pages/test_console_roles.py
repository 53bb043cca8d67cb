"""What the console shows to each role: what it may do, and nothing else."""

import re
from pathlib import Path
from typing import Any

import pytest

from kassa.order.giving_up import WORDS
from kassa.pages import order_page
from tests.pages.conftest import Browser, text_of
from tests.pages.fake_shop import NOW, FakeShop, Refused


async def of_role(browser: Browser, shop: FakeShop, role: str) -> Browser:
    shop.sign_up(f"{role}@example.com", role=role)
    await browser.log_in(f"{role}@example.com")
    return browser


def order_of(shop: FakeShop, status: str) -> Any:
    return shop.add_order("usr_1", [shop._hold({"productId": shop.add("Mug"), "quantity": 2})], status)


@pytest.mark.parametrize("role", ["admin", "support", "stock"])
async def test_no_number_is_said_to_be_missing_that_is_not_for_this_role(
    browser: Browser, shop: FakeShop, role: str
) -> None:
    staff = await of_role(browser, shop, role)
    page = await staff.get("/console")
    assert "not available right now" not in page.text
    assert ("Revenue" in page.text) is (role != "stock")
    assert "Sold out" in page.text
    asked = {call.path for call in shop.calls}
    assert ("/orders/admin/attention" in asked) is (role != "stock")


@pytest.mark.parametrize("role", ["admin", "support"])
async def test_events_are_replayed_and_money_is_dismissed_by_who_may(
    browser: Browser, shop: FakeShop, role: str
) -> None:
    shop.unclaimed.append({"sessionId": "cs_1", "amount": "12.30", "currency": "usd", "paidAt": NOW})
    shop.events.append({"id": "evt_1", "type": "refund.updated", "status": "done", "receivedAt": NOW})
    staff = await of_role(browser, shop, role)
    overview, events = (await staff.get("/console")).text, (await staff.get("/console/events")).text
    assert ("cs_1" in overview, "evt_1" in events) == (True, True)
    assert ('data-testid="dismiss"' in overview) is (role == "admin")
    assert ('data-testid="replay"' in events) is (role == "admin")


@pytest.mark.parametrize(("role", "cancels"), [("admin", True), ("support", False)])
async def test_an_order_is_cancelled_by_who_may(browser: Browser, shop: FakeShop, role: str, cancels: bool) -> None:
    page = await (await of_role(browser, shop, role)).get(f"/console/orders/{order_of(shop, 'PENDING')['id']}")
    assert ("Cancel this order" in page.text) is cancels
    assert ("An administrator can cancel it." in page.text) is not cancels


async def test_a_product_is_read_by_who_may_not_change_it(browser: Browser, shop: FakeShop) -> None:
    mug = shop.add("Mug", 1999, stock=4)
    support = await of_role(browser, shop, "support")
    page = await support.get(f"/console/products/{mug}")
    assert "$19.99" in text_of(page)
    assert 'action="/console' not in page.text
    assert "/console/products/new" not in (await support.get("/console/products")).text
    assert (await support.get("/console/products/new")).status_code == 403


@pytest.mark.parametrize(
    ("role", "path", "asked"),
    [("stock", "/console/orders", "/orders/admin/all"), ("support", "/console/events", "/payments/admin/events")],
)
async def test_what_is_not_for_a_role_is_said_without_the_names_of_permissions(
    browser: Browser, shop: FakeShop, role: str, path: str, asked: str
) -> None:
    staff = await of_role(browser, shop, role)
    shop.broken[asked] = Refused(403, "forbidden", "this needs the permission staff:manage")
    answer = await staff.get(path)
    assert (answer.status_code, "staff:manage" in answer.text) == (403, False)
    assert "Your role does not let you do this. Ask an administrator of the shop." in text_of(answer)


async def test_more_than_the_role_may_refund_is_said_at_the_order(browser: Browser, shop: FakeShop) -> None:
    order = order_of(shop, "CONFIRMED")
    path = f"/console/orders/{order['id']}"
    support = await of_role(browser, shop, "support")
    sure = await support.submit(await support.get(path), f"{path}/refund", amount="12.50")
    shop.broken[f"/payments/{order['id']}/refund"] = Refused(403, "refund_over_limit", "At most $5.00 at once.")
    answer = await support.submit(sure, f"{path}/refund")
    assert (answer.status_code, "At most $5.00 at once." in answer.text) == (409, True)
    assert 'value="12.50"' in answer.text


def waiting(service: str, todo: str, text: str) -> Any:
    data = {"effect": f"x_1:{len(todo)}:{todo}", "todo": todo}
    return {"at": NOW, "service": service, "kind": "waiting", "text": text, "data": data}


@pytest.mark.parametrize("role", ["admin", "support"])
async def test_what_has_failed_is_tried_now_and_mails_are_given_up_by_who_may(
    browser: Browser, shop: FakeShop, role: str
) -> None:
    order = order_of(shop, "CONFIRMED")
    shop.stuck = [
        waiting("payment", "refund", "Still to make a refund at Stripe: no answer."),
        waiting("order", "mail_confirmed", "Still to email the buyer: no answer."),
    ]
    staff = await of_role(browser, shop, role)
    path = f"/console/orders/{order['id']}"
    page = await staff.get(path)
    assert "Still to make a refund at Stripe: no answer." in text_of(page)
    assert "Next try" in text_of(page)
    assert page.text.count(f'action="{path}/retry"') == (2 if role == "admin" else 0)
    assert page.text.count(f'action="{path}/give-up"') == (1 if role == "admin" else 0)
    if role == "support":
        return
    for is_stuck, said in ((True, "still does not work"), (False, "it worked this time")):
        shop.is_stuck = is_stuck
        assert (await staff.submit(page, f"{path}/retry")).status_code == 303
        assert said in text_of(await staff.get(path))
    assert shop.called("POST", f"/payments/{order['id']}/effects/6/retry")
    sure = await staff.submit(page, f"{path}/give-up", because="too_late")
    assert not any(call.path.endswith("give-up") for call in shop.calls)
    assert "It is not sent, now or later" in text_of(sure)
    assert (await staff.submit(sure, f"{path}/give-up")).status_code == 303
    assert next(call for call in shop.calls if call.path.endswith("give-up")).body == {"because": "too_late"}


@pytest.mark.parametrize("what", ["retry", "give-up"])
async def test_what_is_done_meanwhile_is_said_on_the_order(browser: Browser, shop: FakeShop, what: str) -> None:
    order = order_of(shop, "CONFIRMED")
    shop.stuck = [waiting("order", "mail_confirmed", "Still to email the buyer: no answer.")]
    staff = await of_role(browser, shop, "admin")
    path = f"/console/orders/{order['id']}"
    page = await staff.get(path)
    gone = await staff.submit(page, f"{path}/{what}", number="9", confirmed="yes", because="too_late")
    assert gone.status_code == 404
    assert 'data-testid="trouble"' in gone.text


def test_the_reasons_to_give_up_a_mail_are_those_of_the_api() -> None:
    template = (Path(order_page.__file__).parent / "templates/console/order.html").read_text()
    (offered,) = [line for line in template.splitlines() if "wrong_address" in line]
    told = {each.value: words for each, words in WORDS.items()}
    assert dict(re.findall(r'\("([a-z_]+)", "([^"]+)"\)', offered)) == told
