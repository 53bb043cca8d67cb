"""Registering, logging in and out, and a buyer's own orders."""

import dataclasses
from typing import Any

import httpx
import pytest

from kassa.pages.settings import PageSettings
from tests.pages.conftest import Browser, make_app, text_of
from tests.pages.fake_shop import NOW, FakeShop, Refused

EMAIL = "ada@example.com"


async def test_registering_logs_in(browser: Browser, shop: FakeShop) -> None:
    page = await browser.get("/account/register?next=/cart")
    answer = await browser.submit(page, "/account/register", email=EMAIL, password=" a long password ", name="Ada")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/cart"
    assert shop.calls[-1].body == {"email": EMAIL, "password": " a long password ", "name": "Ada", "locale": "en"}
    assert (await browser.get("/account/orders")).status_code == 200


async def test_tokens_are_out_of_reach_of_scripts_and_other_sites(browser: Browser, shop: FakeShop) -> None:
    shop.sign_up(EMAIL)
    page = await browser.get("/account/login")
    answer = await browser.submit(page, "/account/login", email=EMAIL, password="a long password")
    cookies = [text.lower() for text in answer.headers.get_list("set-cookie")]
    tokens = [text for text in cookies if text.startswith(("kassa_token=", "kassa_refresh="))]
    assert len(tokens) == 2
    assert all("httponly" in text and "samesite=lax" in text and "path=/" in text for text in tokens)
    shown = await browser.get("/account")
    assert browser.http.cookies["kassa_token"] not in shown.text
    assert shown.headers["Cache-Control"] == "private, no-store"


async def test_a_wrong_password_keeps_the_address_but_not_the_password(browser: Browser, shop: FakeShop) -> None:
    shop.sign_up(EMAIL)
    page = await browser.get("/account/login")
    answer = await browser.submit(page, "/account/login", email=EMAIL, password="wrong guess")
    assert answer.status_code == 401
    assert "do not match" in answer.text
    assert f'value="{EMAIL}"' in answer.text
    assert "wrong guess" not in answer.text


async def test_what_is_wrong_stands_beside_its_field(browser: Browser) -> None:
    page = await browser.get("/account/register")
    answer = await browser.submit(page, "/account/register", email=EMAIL, password="short", name="Ada")
    assert answer.status_code == 422
    assert '<p class="wrong" id="password-error">Please use at least 8 characters.</p>' in answer.text
    assert 'aria-describedby="password-hint password-error"' in answer.text
    assert 'value="Ada"' in answer.text


async def test_a_taken_address_leads_to_logging_in(browser: Browser, shop: FakeShop) -> None:
    shop.sign_up(EMAIL)
    page = await browser.get("/account/register")
    answer = await browser.submit(page, "/account/register", email=EMAIL, password="a long password")
    assert answer.status_code == 409
    assert "There is already an account with this address" in answer.text


@pytest.mark.parametrize("target", ["https://evil.test", "//evil.test", "/\\evil.test", "evil", "/\n/evil.test"])
async def test_logging_in_leads_only_to_this_site(browser: Browser, shop: FakeShop, target: str) -> None:
    shop.sign_up(EMAIL)
    page = await browser.get("/account/login", params={"next": target})
    answer = await browser.submit(page, "/account/login", email=EMAIL, password="a long password", next=target)
    assert answer.headers["Location"] == "/"


async def test_an_expired_token_is_refreshed_without_the_buyer_noticing(browser: Browser, shop: FakeShop) -> None:
    shop.sign_up(EMAIL)
    await browser.log_in(EMAIL)
    old = browser.http.cookies["kassa_token"], browser.http.cookies["kassa_refresh"]
    shop.stale.add(old[0])
    page = await browser.get("/account/orders")
    assert page.status_code == 200
    assert len(shop.called("POST", "/auth/refresh")) == 1
    assert browser.http.cookies["kassa_token"] != old[0]
    assert browser.http.cookies["kassa_refresh"] != old[1]


async def test_a_token_that_the_browser_let_go_is_refreshed_too(browser: Browser, shop: FakeShop) -> None:
    shop.sign_up(EMAIL)
    await browser.log_in(EMAIL)
    browser.http.cookies.delete("kassa_token")
    assert (await browser.get("/account/orders")).status_code == 200
    assert len(shop.called("POST", "/auth/refresh")) == 1


async def test_a_page_with_many_questions_refreshes_once(browser: Browser, shop: FakeShop) -> None:
    shop.sign_up(EMAIL)
    await browser.log_in(EMAIL)
    for name in ("Mug", "Tea", "Chair"):
        await browser.put_in_cart(shop.add(name))
    browser.http.cookies.delete("kassa_token")
    assert (await browser.get("/cart")).status_code == 200
    assert len(shop.called("POST", "/auth/refresh")) == 1


async def test_when_refreshing_fails_the_buyer_logs_in_and_comes_back(browser: Browser, shop: FakeShop) -> None:
    shop.sign_up(EMAIL)
    await browser.log_in(EMAIL)
    shop.stale.add(browser.http.cookies["kassa_token"])
    shop.refreshable.clear()
    answer = await browser.get("/account/orders?skip=20")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/account/login?next=/account/orders%3Fskip%3D20"
    assert "kassa_token" not in browser.http.cookies


async def test_who_was_logged_out_meanwhile_still_sees_what_anybody_sees(browser: Browser, shop: FakeShop) -> None:
    product_id = shop.add("Mug")
    for path in ("/", f"/shop/products/{product_id}", "/cart"):
        shop.sign_up(EMAIL)
        await browser.log_in(EMAIL)
        shop.stale.add(browser.http.cookies["kassa_token"])
        shop.refreshable.clear()
        page = await browser.get(path)
        assert page.status_code == 200, path
        assert "Log in" in text_of(page)
        assert "kassa_token" not in browser.http.cookies


async def test_an_unreachable_auth_service_does_not_log_anybody_out(browser: Browser, shop: FakeShop) -> None:
    shop.sign_up(EMAIL)
    await browser.log_in(EMAIL)
    browser.http.cookies.delete("kassa_token")
    shop.broken["/auth/refresh"] = Refused(503, "unavailable")
    assert (await browser.get("/account/orders")).status_code == 503
    assert "kassa_refresh" in browser.http.cookies


async def test_logging_out_ends_the_session_here_and_there(browser: Browser, shop: FakeShop) -> None:
    shop.sign_up(EMAIL)
    await browser.log_in(EMAIL)
    answer = await browser.submit(await browser.get("/account"), "/account/logout")
    assert answer.headers["Location"] == "/"
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert not shop.refreshable
    assert "kassa_token" not in browser.http.cookies
    assert "Log in" in text_of(await browser.get("/"))
    assert (await browser.get("/account/orders")).status_code == 303


@pytest.mark.parametrize("role", ["user", "admin"])
@pytest.mark.parametrize(
    "path",
    ["/", "/cart", "/account", "/account/orders", "/account/sessions", "/account/data", "/console", "/console/acts"],
)
async def test_every_page_lets_one_log_out(browser: Browser, shop: FakeShop, role: str, path: str) -> None:
    assert "/account/logout" not in (await browser.get(path)).text
    shop.sign_up(EMAIL, role=role)
    await browser.log_in(EMAIL)
    answer = await browser.submit(await browser.get(path), "/account/logout")
    assert (answer.status_code, shop.refreshable) == (303, {})


async def test_a_new_password_keeps_this_browser_logged_in(browser: Browser, shop: FakeShop) -> None:
    shop.sign_up(EMAIL)
    await browser.log_in(EMAIL)
    old = browser.http.cookies["kassa_refresh"]
    page = await browser.get("/account")
    answer = await browser.submit(page, "/account/password", current="a long password", new="another password")
    assert answer.headers["Location"] == "/account"
    assert browser.http.cookies["kassa_refresh"] != old
    assert "Your password has been changed." in (await browser.get("/account")).text


async def test_a_wrong_present_password_changes_nothing(browser: Browser, shop: FakeShop) -> None:
    shop.sign_up(EMAIL)
    await browser.log_in(EMAIL)
    page = await browser.get("/account")
    answer = await browser.submit(page, "/account/password", current="a guess", new="another password")
    assert answer.status_code == 401
    assert "This is not your current password." in answer.text
    assert "kassa_token" in browser.http.cookies
    assert not shop.called("POST", "/auth/refresh"), "a wrong password is not a stale token"


async def test_orders_are_listed_with_status_and_total(browser: Browser, shop: FakeShop) -> None:
    user = shop.sign_up(EMAIL)
    await browser.log_in(EMAIL)
    assert "You have not ordered anything yet." in (await browser.get("/account/orders")).text
    mug, tea = shop.add("Mug", 1000), shop.add("Tea", 250)
    items = [shop._hold({"productId": product_id, "quantity": 2}) for product_id in (mug, tea)]
    shop.add_order(user["id"], items, "CONFIRMED")
    page = text_of(await browser.get("/account/orders"))
    assert "Mug and 1 other product" in page
    assert "Confirmed" in page
    assert "$25.00" in page
    assert "1 minute ago" in page


async def test_a_pending_order_can_be_cancelled(browser: Browser, shop: FakeShop) -> None:
    user = shop.sign_up(EMAIL)
    await browser.log_in(EMAIL)
    order = shop.add_order(user["id"], [shop._hold({"productId": shop.add("Mug"), "quantity": 1})])
    address = f"/account/orders/{order['id']}"
    page = await browser.get(address)
    assert "hold your items until 12:29 PM UTC" in text_of(page)
    answer = await browser.submit(page, f"{address}/cancel")
    assert answer.headers["Location"] == address
    assert shop.calls[-1].headers["idempotency-key"]
    assert "You cancelled this order" in (await browser.get(address)).text


async def test_a_paid_order_cannot_be_cancelled_any_more(browser: Browser, shop: FakeShop) -> None:
    user = shop.sign_up(EMAIL)
    await browser.log_in(EMAIL)
    order = shop.add_order(user["id"], [shop._hold({"productId": shop.add("Mug"), "quantity": 1})])
    address = f"/account/orders/{order['id']}"
    page = await browser.get(address)
    order["status"] = "CONFIRMED"
    await browser.submit(page, f"{address}/cancel")
    page = await browser.get(address)
    assert "can no longer be cancelled" in page.text
    assert 'data-testid="cancel"' not in page.text


async def test_the_next_log_in_says_that_this_browser_has_been_here(browser: Browser, shop: FakeShop) -> None:
    user = shop.sign_up(EMAIL)
    await browser.log_in(EMAIL)
    assert "deviceToken" not in shop.calls[-1].body
    page = await browser.get("/account")
    answer = await browser.submit(page, "/account/logout")
    assert "kassa_device" not in "".join(answer.headers.get_list("set-cookie"))
    await browser.log_in(EMAIL)
    assert shop.calls[-1].body["deviceToken"] == f"device-of-{user['id']}"


async def test_one_sees_where_one_is_logged_in_and_ends_it(browser: Browser, shop: FakeShop) -> None:
    shop.sign_up(EMAIL)
    await browser.log_in(EMAIL)
    known = {"createdAt": NOW, "lastUsedAt": NOW, "place": "192.0.2.0/24", "program": "Firefox <b>"}
    shop.places = [{"id": f"ses_{n}", **known, "isCurrent": n == 1} for n in range(1, 5)]
    page = await browser.get("/account/sessions", headers={"User-Agent": "Opera"})
    assert page.text.count('data-testid="session"') == 4
    assert page.text.count("This device") == 1
    assert "Firefox &lt;b&gt;" in page.text
    assert shop.calls[-1].headers["user-agent"] == "Opera"
    for named, left in (("ses_3", 3), ("ses_3", 3), ("", 1)):
        answer = await browser.submit(page, "/account/sessions/end", session=named)
        assert answer.headers["Location"] == "/account/sessions"
        assert len(shop.places) == left


async def test_sessions_are_for_those_who_are_logged_in(browser: Browser) -> None:
    assert "/account/login" in (await browser.get("/account/sessions")).headers["Location"]


async def test_over_https_cookies_are_of_the_host_alone(shop: FakeShop, settings: PageSettings) -> None:
    """Another host of the domain can set `kassa_csrf` for all of it, but no cookie that begins so (RFC 6265bis)."""
    shop.sign_up(EMAIL)
    app: Any = make_app(shop, dataclasses.replace(settings, public_url="https://shop.test"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="https://shop.test") as http:
        browser = Browser(http)
        page = await browser.get("/account/login")
        forged = page.headers.get_list("set-cookie")[0].partition("=")[2].partition(";")[0]
        answer = await browser.submit(page, "/account/login", email=EMAIL, password="a long password")
        cookies = [*page.headers.get_list("set-cookie"), *answer.headers.get_list("set-cookie")]
        names = {text.partition("=")[0] for text in cookies}
        assert {"__Host-kassa_csrf", "__Host-kassa_token", "__Host-kassa_refresh"} <= names
        assert all(name.startswith("__Host-") for name in names)
        assert all("; Secure" in text and "; Path=/;" in text and "omain" not in text for text in cookies)
        assert (await browser.get("/account/orders")).status_code == 200
        http.cookies.clear()
        headers = {"Cookie": f"kassa_csrf={forged}"}
        assert (await http.post("/account/login", data={"csrf": forged}, headers=headers)).status_code == 403


async def test_one_takes_ones_data_along(browser: Browser, shop: FakeShop) -> None:
    shop.sign_up(EMAIL)
    await browser.log_in(EMAIL)
    page = await browser.get("/account/data")
    assert "/account/data" in (await browser.get("/account")).text
    answer = await browser.submit(page, "/account/data/export", password="a long password")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="my-data.json"'
    assert answer.json()["account"] == {"email": EMAIL}
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("what", ["export", "erase"])
async def test_ones_data_takes_the_password(browser: Browser, shop: FakeShop, what: str) -> None:
    shop.sign_up(EMAIL)
    await browser.log_in(EMAIL)
    page = await browser.get("/account/data")
    answer = await browser.submit(page, f"/account/data/{what}", password="not this one at all")
    assert answer.status_code == 401
    assert f'id="{what}_password-error">This is not your password.' in answer.text
    assert EMAIL in shop.users


async def test_an_account_is_erased_and_the_browser_knows_nobody(browser: Browser, shop: FakeShop) -> None:
    shop.sign_up(EMAIL)
    await browser.log_in(EMAIL)
    page = await browser.get("/account/data")
    answer = await browser.submit(page, "/account/data/erase", password="a long password")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert EMAIL not in shop.users
    assert "Your account has been deleted." in (await browser.get("/")).text
    assert "/account/login" in (await browser.get("/account/data")).headers["Location"]
