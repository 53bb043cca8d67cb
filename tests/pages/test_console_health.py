"""The console says how the shop is doing, and what to do if it is not well."""

import re
from typing import Any

import pytest

from tests.pages.conftest import Browser, text_of
from tests.pages.fake_mails import add_mail
from tests.pages.fake_shop import NOW, FakeShop, Refused
from tests.pages.test_console_roles import of_role, order_of


def run(**more: Any) -> Any:
    return {"at": NOW, "compared": 1200, "mended": 0, "left": 0, "findings": [], **more}


async def test_a_shop_that_is_well_says_so(browser: Browser, shop: FakeShop) -> None:
    shop.checks = [run()]
    page = await (await of_role(browser, shop, "admin")).get("/console/health")
    assert page.text.count('data-ready="yes"') == 1
    assert ('data-ready="no"' in page.text, 'data-well="no"' in page.text) == (False, False)
    assert "All agree" in text_of(page)
    assert "1,200 entries compared" in text_of(page)


async def test_what_fails_is_said_with_what_to_do(browser: Browser, shop: FakeShop) -> None:
    shop.system = {"kassa": {"database": ""}, "order": {"database": "no answer for 3 s", "payment": "not healthy"}}
    shop.overdue = 12
    shop.waiting["payments"] = [{"orderId": "ord_1", "kind": "refund", "attempts": 9, "nextAt": NOW, "error": "x"}]
    shop.waiting["orders"] = [{"orderId": "ord_1", "kind": "mail_paid", "attempts": 9, "nextAt": NOW, "error": "x"}]
    shop.events.append({"id": "evt_1", "type": "x", "status": "parked", "receivedAt": NOW})
    page = await (await of_role(browser, shop, "admin")).get("/console/health")
    said = text_of(page)
    assert "No answer for 3 s." in said
    assert "Check that the database is running" in said
    assert "It runs version 0.9." in said
    wrong = re.findall(r'data-well="no"><span class="badge failed">([^<]+)</span> (?:<a [^>]+>)?([^<]+)', page.text)
    assert [(count, what.strip()) for count, what in wrong] == [
        ("12", "Steps late by more than a minute"),
        ("1", "Steps that keep failing"),
        ("1", "Mails that could not be sent"),
        ("1", "Events from Stripe that failed"),
    ]


async def test_what_a_check_has_found_leads_to_the_order_by_its_number(browser: Browser, shop: FakeShop) -> None:
    order = order_of(shop, "CONFIRMED")
    order["number"] = 1042
    suffix = order["id"].partition("_")[2]
    of_payment = {"what": "payments", "subject": f"pay_{suffix}", "text": "was not told of", "isMended": False}
    shop.checks = [run(left=1, mended=1, findings=[of_payment])]
    page = await (await of_role(browser, shop, "admin")).get("/console/health")
    assert f'<a href="/console/orders/{order["id"]}">order 1042</a>' in page.text
    assert "1 difference left" in text_of(page)
    assert "The first 1 of 2 are kept." in text_of(page)


@pytest.mark.parametrize("path", ["/system", "/payments/admin/checks", "/payments/admin/events"])
async def test_the_page_is_there_when_something_does_not_answer(browser: Browser, shop: FakeShop, path: str) -> None:
    shop.broken[path] = Refused(503, "unavailable", "no answer")
    page = await (await of_role(browser, shop, "admin")).get("/console/health")
    assert (page.status_code, "does not answer right now" in page.text) == (200, True)


async def test_health_is_for_administrators(browser: Browser, shop: FakeShop) -> None:
    assert (await (await of_role(browser, shop, "support")).get("/console/health")).status_code == 403


async def test_events_lead_to_their_orders_and_back(browser: Browser, shop: FakeShop) -> None:
    order = order_of(shop, "CONFIRMED")
    order["number"] = 1042
    shop.events += [
        {"id": "evt_1", "type": "charge.refunded", "status": "done", "receivedAt": NOW, "orderId": order["id"]},
        {"id": "evt_2", "type": "charge.failed", "status": "done", "receivedAt": NOW, "orderId": None},
    ]
    shop.stuck = [{"at": NOW, "service": "payment", "kind": "event", "text": "Seen", "data": {"event": "evt_1"}}]
    staff = await of_role(browser, shop, "admin")
    page = await staff.get("/console/events")
    assert f'<a href="/console/orders/{order["id"]}">1042</a>' in page.text
    assert (
        f'href="/console/events?orderId={order["id"]}#evt_1"'
        in (await staff.get(f"/console/orders/{order['id']}")).text
    )
    of_order = await staff.get(f"/console/events?orderId={order['id']}")
    assert ("evt_1" in of_order.text, "evt_2" in of_order.text) == (True, False)
    assert "About order 1042" in text_of(of_order)


async def test_no_page_calls_an_order_by_its_id_that_has_a_number(browser: Browser, shop: FakeShop) -> None:
    """A kind: whatever the console lists, people read the number."""
    order = order_of(shop, "CONFIRMED")
    order |= {"number": 1042, "email": "ada@example.com"}
    order_id = order["id"]
    add_mail(shop, order_id)
    waits = {"orderId": order_id, "kind": "refund", "attempts": 9, "nextAt": NOW, "error": "x"}
    shop.waiting["payments"] = [waits]
    shop.disputes.append(
        {"id": "dp_1", "orderId": order_id, "status": "needs_response", "amount": "1.00", "currency": "usd",
         "answerBy": NOW}
    )  # fmt: skip
    shop.events.append({"id": "evt_1", "type": "x", "status": "parked", "receivedAt": NOW, "orderId": order_id})
    staff = await of_role(browser, shop, "admin")
    for path in ("", "/orders", "/events", "/mails", f"/mails/{shop.mails[0]['id']}", "/customers", "/health"):
        page = await staff.get(f"/console{path}")
        assert page.status_code == 200, path
        said = re.sub(r"<pre.*?</pre>", "", page.text, flags=re.DOTALL)  # A mail says what it says.
        assert order_id not in re.sub(r"<[^>]+>", " ", said), path
        assert ("1042" in text_of(page)) is (path != "/health"), path
