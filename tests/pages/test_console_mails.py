"""The console's mails: which there are, and what one says, as text."""

import re

import pytest

from tests.pages.conftest import Browser, text_of
from tests.pages.fake_mails import add_mail
from tests.pages.fake_shop import FakeShop, Refused
from tests.pages.test_console_roles import of_role, order_of


async def test_mails_are_listed_with_what_they_are_about(browser: Browser, shop: FakeShop) -> None:
    order = order_of(shop, "CONFIRMED")
    mail = add_mail(shop, order["id"])
    add_mail(shop, "usr_00000000000000000000000001", kind="reset_password", subject="Your new password")
    page = await (await of_role(browser, shop, "admin")).get("/console/mails")
    text = text_of(page)
    for said in ("Order confirmed", "Reset password", "ada@example.com", mail["subject"], "Set MAIL_URL"):
        assert said in text
    assert f'href="/console/mails/{mail["id"]}"' in page.text
    assert page.text.count('href="/console/orders/') == 1
    assert f'href="/console/orders/{order["id"]}"' in page.text


async def test_one_mail_is_shown_as_text_and_its_html_is_in_no_page(browser: Browser, shop: FakeShop) -> None:
    order = order_of(shop, "CONFIRMED")
    mail = add_mail(shop, order["id"], text="Hello <b>you</b>\n\n2 × Mug     $39.98\n")
    page = await (await of_role(browser, shop, "admin")).get(f"/console/mails/{mail['id']}")
    assert page.status_code == 200
    assert "Hello &lt;b&gt;you&lt;/b&gt;\n\n2 × Mug     $39.98\n</pre>" in page.text
    assert "alert(1)" not in page.text
    assert f'href="/console/orders/{order["id"]}"' in page.text
    assert page.headers["cache-control"] == "private, no-store"


async def test_pages_lead_on(browser: Browser, shop: FakeShop) -> None:
    for number in range(60):
        add_mail(shop, "ord_1", subject=f"Mail {number}")
    admin = await of_role(browser, shop, "admin")
    first = await admin.get("/console/mails")
    assert 'href="/console/mails?skip=50"' in first.text
    second = await admin.get("/console/mails?skip=50")
    assert second.text.count('data-testid="mail-row"') == 10


@pytest.mark.parametrize("detail", ["mails go to the mail server", "this shop sends no mails (MAIL_URL=off)"])
async def test_where_none_are_kept_it_is_said_where_they_go(browser: Browser, shop: FakeShop, detail: str) -> None:
    shop.broken["/mails"] = Refused(404, "mails_not_kept", detail)
    page = await (await of_role(browser, shop, "admin")).get("/console/mails")
    assert page.status_code == 200
    assert f"{detail[0].upper()}{detail[1:]}." in page.text
    assert "No mails yet" not in page.text


async def test_a_new_shop_says_when_the_first_one_comes(browser: Browser, shop: FakeShop) -> None:
    page = await (await of_role(browser, shop, "admin")).get("/console/mails")
    assert "No mails yet" in page.text


async def test_what_cannot_be_had_is_not_said_to_be_elsewhere(browser: Browser, shop: FakeShop) -> None:
    admin = await of_role(browser, shop, "admin")
    shop.broken["/mails"] = Refused(503, "unavailable")
    assert (await admin.get("/console/mails")).status_code == 503
    assert (await admin.get("/console/mails/none")).status_code == 404


@pytest.mark.parametrize(("role", "has_it"), [("admin", True), ("support", False), ("stock", False)])
async def test_only_who_may_read_them_is_led_to_them(browser: Browser, shop: FakeShop, role: str, has_it: bool) -> None:
    member = await of_role(browser, shop, role)
    sections = re.findall(r'href="(/console[a-z/]*)"', (await member.get("/console")).text)
    pages = [(await member.get(address)).text for address in dict.fromkeys(sections)]
    assert any('href="/console/mails"' in page for page in pages) is has_it
