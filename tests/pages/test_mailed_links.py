"""Links that were mailed, opened in a browser without scripts."""

import pytest

from tests.pages.conftest import Browser, text_of
from tests.pages.fake_shop import FakeShop

EMAIL = "ada@example.com"
NEW = "four other words here"


async def test_a_forgotten_password_is_set_anew(browser: Browser, shop: FakeShop) -> None:
    shop.sign_up(EMAIL)
    assert 'href="/account/forgotten"' in (await browser.get("/account/login")).text
    page = await browser.get("/account/forgotten")
    sent = await browser.submit(page, "/account/forgotten", email=EMAIL)
    assert "Check your email" in text_of(sent)
    (token,) = shop.links
    opened = await browser.get(f"/account/reset/{token}")
    assert (opened.status_code, opened.headers["Location"]) == (303, "/account/reset")
    form = await browser.get("/account/reset")
    assert token not in form.text
    done = await browser.submit(form, "/account/reset", new=NEW)
    assert (done.status_code, done.headers["Location"]) == (303, "/account/login")
    login = await browser.get("/account/login")
    assert "Your new password is set. Please log in with it." in text_of(login)
    assert (await browser.submit(login, "/account/login", email=EMAIL, password=NEW)).status_code == 303


async def test_the_page_is_the_same_for_an_address_without_an_account(browser: Browser, shop: FakeShop) -> None:
    shop.sign_up(EMAIL)
    page = await browser.get("/account/forgotten")
    known = await browser.submit(page, "/account/forgotten", email=EMAIL)
    unknown = await browser.submit(page, "/account/forgotten", email="bob@example.com")
    assert unknown.status_code == known.status_code == 200
    assert text_of(unknown) == text_of(known).replace(EMAIL, "bob@example.com")


@pytest.mark.parametrize(("purpose", "cookie"), [("reset", "kassa_reset"), ("verify", "kassa_verify")])
async def test_a_token_goes_from_the_address_into_a_cookie_that_nobody_else_is_told(
    browser: Browser, shop: FakeShop, purpose: str, cookie: str
) -> None:
    shop.sign_up(EMAIL)
    answer = await browser.get(f"/account/{purpose}/{shop.mail_link(purpose, EMAIL)}")
    [kept] = [text.lower() for text in answer.headers.get_list("set-cookie") if text.startswith(f"{cookie}=")]
    assert all(each in kept for each in ("httponly", "samesite=lax", "max-age=3600"))
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "private, no-store"
    page = await browser.get(f"/account/{purpose}")
    assert page.headers["Cache-Control"] == "private, no-store"
    assert shop.links == {next(iter(shop.links)): (purpose, EMAIL)}


async def test_what_opens_the_links_of_mails_verifies_nothing(browser: Browser, shop: FakeShop) -> None:
    user = shop.sign_up(EMAIL)
    await browser.get(f"/account/verify/{shop.mail_link('verify', EMAIL)}", follow_redirects=True)
    assert shop.called("POST", "/auth/email/verify") == []
    stranger = await browser.get("/account/verify")
    assert (stranger.status_code, stranger.headers["Location"]) == (303, "/account/login?next=/account/verify")
    await browser.log_in(EMAIL)
    page = await browser.get("/account/verify")
    assert "Not you? Then do not confirm" in text_of(page)
    done = await browser.submit(page, "/account/verify")
    assert (done.status_code, done.headers["Location"]) == (303, "/account")
    assert user["isVerified"]
    assert (await browser.get("/account/verify")).status_code == 404


async def test_a_password_that_is_refused_can_be_replaced(browser: Browser, shop: FakeShop) -> None:
    shop.sign_up(EMAIL)
    await browser.get(f"/account/reset/{shop.mail_link('reset', EMAIL)}")
    form = await browser.get("/account/reset")
    refused = await browser.submit(form, "/account/reset", new="short")
    assert refused.status_code == 422
    assert '<p class="wrong" id="new-error">Please use at least 8 characters.</p>' in refused.text
    assert 'value="short"' not in refused.text
    assert (await browser.submit(refused, "/account/reset", new=NEW)).status_code == 303


@pytest.mark.parametrize("purpose", ["reset", "verify"])
async def test_a_link_that_does_not_work_says_what_to_do(browser: Browser, shop: FakeShop, purpose: str) -> None:
    again = {"reset": "/account/forgotten", "verify": "/account"}[purpose]
    page = await browser.get(f"/account/{purpose}")
    assert page.status_code == 404
    assert f'class="button" href="{again}"' in page.text
    shop.sign_up(EMAIL)
    await browser.log_in(EMAIL)
    await browser.get(f"/account/{purpose}/usr_{'0' * 26}.{'x' * 43}")
    form = await browser.get(f"/account/{purpose}")
    answer = await browser.submit(form, f"/account/{purpose}", **({"new": NEW} if purpose == "reset" else {}))
    assert answer.status_code == 400
    assert "Only the latest one we sent works." in text_of(answer)


async def test_a_link_that_is_none_leaves_a_good_one_alone(browser: Browser, shop: FakeShop) -> None:
    shop.sign_up(EMAIL)
    await browser.get(f"/account/reset/{shop.mail_link('reset', EMAIL)}")
    for wrong in ("a%20b", "x" * 129, "%C4%80"):
        assert (await browser.get(f"/account/reset/{wrong}")).status_code == 303
    form = await browser.get("/account/reset")
    assert (await browser.submit(form, "/account/reset", new=NEW)).status_code == 303


async def test_a_form_of_another_site_sets_no_password_and_verifies_nothing(browser: Browser, shop: FakeShop) -> None:
    shop.sign_up(EMAIL)
    for purpose in ("reset", "verify"):
        await browser.get(f"/account/{purpose}/{shop.mail_link(purpose, EMAIL)}")
        assert (await browser.http.post(f"/account/{purpose}", data={"new": NEW})).status_code == 403
    assert shop.called("POST", "/auth/password/reset") == shop.called("POST", "/auth/email/verify") == []


async def test_setting_a_password_logs_this_browser_out(browser: Browser, shop: FakeShop) -> None:
    shop.sign_up(EMAIL)
    await browser.log_in(EMAIL)
    await browser.get(f"/account/reset/{shop.mail_link('reset', EMAIL)}")
    await browser.submit(await browser.get("/account/reset"), "/account/reset", new=NEW)
    assert "kassa_token" not in browser.http.cookies


async def test_the_account_says_that_its_address_is_not_confirmed_and_sends_the_link_again(
    browser: Browser, shop: FakeShop
) -> None:
    user = shop.sign_up(EMAIL)
    await browser.log_in(EMAIL)
    page = await browser.get("/account")
    assert "Your email address is not confirmed yet." in text_of(page)
    sent = await browser.submit(page, "/account/verify/again")
    assert (sent.status_code, sent.headers["Location"]) == (303, "/account")
    assert "We have sent you another email." in text_of(await browser.get("/account"))
    [(token, link)] = shop.links.items()
    assert link == ("verify", EMAIL)
    await browser.get(f"/account/verify/{token}")
    done = await browser.submit(await browser.get("/account/verify"), "/account/verify")
    assert done.headers["Location"] == "/account"
    after = await browser.get("/account")
    assert "Your email address is confirmed." in text_of(after)
    assert "not confirmed yet" not in text_of(after)
    assert user["isVerified"]
    again = await browser.submit(page, "/account/verify/again")
    assert (again.status_code, again.headers["Location"]) == (303, "/account")


async def test_a_shop_that_sends_no_mail_says_so(browser: Browser, shop: FakeShop) -> None:
    shop.sign_up(EMAIL)
    shop.has_mail = False
    page = await browser.get("/account/forgotten")
    answer = await browser.submit(page, "/account/forgotten", email=EMAIL)
    assert answer.status_code == 409
    assert "This shop does not send email. Please contact the shop if you cannot log in." in text_of(answer)
    await browser.log_in(EMAIL)
    assert "not confirmed yet" not in text_of(await browser.get("/account"))


async def test_what_is_no_address_is_said_beside_its_field(browser: Browser) -> None:
    page = await browser.get("/account/forgotten")
    answer = await browser.submit(page, "/account/forgotten", email="ada")
    assert answer.status_code == 422
    assert 'id="email-error">Please enter an email address' in answer.text
    assert 'value="ada"' in answer.text


async def test_registering_tells_the_visitor_s_language(browser: Browser, shop: FakeShop) -> None:
    page = await browser.get("/account/register")
    browser.http.headers["Accept-Language"] = "de-AT,de;q=0.9" + ",en" * 100
    await browser.submit(page, "/account/register", email=EMAIL, password="a long password")
    assert shop.called("POST", "/auth/register")[0].body["locale"] == "de"
