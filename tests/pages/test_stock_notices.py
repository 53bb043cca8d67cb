"""Being told when something that is sold out is back, in a browser without scripts; and by one click of a mail
program."""

import pytest

from tests.pages.conftest import Browser, fields, text_of
from tests.pages.fake_families import add_family, add_variant
from tests.pages.fake_notices import TOKEN, add_notice
from tests.pages.fake_shop import FakeShop, Refused

EMAIL = "ada@example.com"
LINK = f"/shop/stock-notices/{TOKEN}"


@pytest.fixture
def gone(shop: FakeShop) -> str:
    """A product that is sold out: its id."""
    return shop.add("Teapot", 2500, stock=0)


def asking(product_id: str) -> str:
    return f"/shop/products/{product_id}/notice"


async def test_who_finds_something_sold_out_asks_to_be_told(browser: Browser, shop: FakeShop, gone: str) -> None:
    page = await browser.get(f"/shop/products/{gone}")
    assert "We will email you once, as soon as you can buy Teapot again." in text_of(page)
    assert 'data-testid="add-to-cart"' not in page.text
    sent = await browser.submit(page, asking(gone), email=f" {EMAIL} ")
    assert (sent.status_code, sent.headers["Location"]) == (303, f"/shop/products/{gone}")
    asked = next(each for each in shop.calls if each.path == "/stock-notices")
    assert asked.body == {"productId": gone, "email": EMAIL, "locale": "en"}
    assert "open the email we have just sent you" in text_of(await browser.get(f"/shop/products/{gone}"))


async def test_of_what_is_there_or_nobody_knows_nothing_is_asked(browser: Browser, shop: FakeShop) -> None:
    for stock in (3, None):
        page = await browser.get(f"/shop/products/{shop.add('Mug', 900, stock=stock)}")
        assert 'data-testid="notice"' not in page.text


async def test_each_variant_is_asked_for_by_its_own_name(browser: Browser, shop: FakeShop) -> None:
    family = add_family(shop, "Shirt", Size=["S", "M"])
    there, sold_out = add_variant(shop, family, "S", stock=1), add_variant(shop, family, "M", stock=0)
    assert 'data-testid="notice"' not in (await browser.get(f"/shop/products/{there}")).text
    assert "buy Shirt, M again" in text_of(await browser.get(f"/shop/products/{sold_out}"))


async def test_who_is_logged_in_types_nothing(browser: Browser, shop: FakeShop, gone: str) -> None:
    shop.sign_up(EMAIL)
    await browser.log_in(EMAIL)
    page = await browser.get(f"/shop/products/{gone}")
    assert fields(page, asking(gone))["email"] == EMAIL
    await browser.submit(page, asking(gone))
    assert "Done. We will email you once, when it is back." in text_of(await browser.get(f"/shop/products/{gone}"))


async def test_it_is_asked_in_german(browser: Browser, shop: FakeShop, gone: str) -> None:
    shop.profile = {"languages": ["en", "de"]}
    german = {"Accept-Language": "de"}
    page = await browser.get(f"/shop/products/{gone}", headers=german)
    assert "Benachrichtigen, wenn es wieder da ist" in text_of(page)
    await browser.http.post(asking(gone), data={**fields(page, asking(gone)), "email": EMAIL}, headers=german)
    assert shop.calls[-1].body["locale"] == "de"


async def test_what_is_no_address_is_shown_again_with_what_is_wrong(browser: Browser, gone: str) -> None:
    page = await browser.get(f"/shop/products/{gone}")
    wrong = await browser.submit(page, asking(gone), email="nobody")
    assert wrong.status_code == 422
    assert "Please enter an email address such as ada@example.com." in text_of(wrong)
    assert (fields(wrong, asking(gone))["email"], "aria-invalid" in wrong.text) == ("nobody", True)


@pytest.mark.parametrize(
    ("refused", "words"),
    [(Refused(429, "too_many_requests"), "Too many attempts. Please try again in 7 seconds."),
     (Refused(409, "mail_off", "x"), "This shop does not send email.")],
)  # fmt: skip
async def test_a_refusal_is_told_on_the_page(
    browser: Browser, shop: FakeShop, gone: str, refused: Refused, words: str
) -> None:
    page = await browser.get(f"/shop/products/{gone}")
    shop.broken["/stock-notices"] = refused
    told = await browser.submit(page, asking(gone), email=EMAIL)
    assert (told.status_code, words in text_of(told)) == (refused.status, True)


async def test_what_came_back_meanwhile_can_be_bought(browser: Browser, shop: FakeShop, gone: str) -> None:
    page = await browser.get(f"/shop/products/{gone}")
    shop.products[gone]["stock"] = 4
    await browser.submit(page, asking(gone), email=EMAIL)
    now = await browser.get(f"/shop/products/{gone}")
    assert "Good news: it is back already." in text_of(now)
    assert 'data-testid="add-to-cart"' in now.text


async def test_the_link_of_the_mail_confirms_by_a_button(browser: Browser, shop: FakeShop, gone: str) -> None:
    notice = add_notice(shop, gone, is_confirmed=False)
    page = await browser.get(LINK)
    assert "Shall we email you once" in text_of(page)
    assert (page.headers["Referrer-Policy"], page.headers["Cache-Control"]) == ("no-referrer", "private, no-store")
    assert not notice["isConfirmed"]
    done = await browser.submit(page, LINK, confirm=notice["id"])
    assert (done.status_code, done.headers["Location"], notice["isConfirmed"]) == (303, LINK, True)
    assert "We will email you once, as soon as you can buy it again." in text_of(await browser.get(LINK))


async def test_who_waits_ends_one_or_all(browser: Browser, shop: FakeShop, gone: str) -> None:
    first, _ = add_notice(shop, gone), add_notice(shop, shop.add("Mug", 900, stock=0))
    page = await browser.get(LINK)
    await browser.submit(page, LINK, end=first["id"])
    assert [each["productName"] for each in shop.stock_notices] == ["Mug"]
    await browser.submit(page, LINK)
    page = await browser.get(LINK)
    assert "You are not waiting for anything" in text_of(page)
    assert "Done. We will not email you about it." in text_of(page)


async def test_a_mail_program_unsubscribes_by_one_click_without_cookies(
    browser: Browser, shop: FakeShop, gone: str
) -> None:
    """RFC 8058, 3.2: its request has no context, and is answered with no redirect."""
    add_notice(shop, gone)
    answer = await browser.http.post(
        LINK, data={"List-Unsubscribe": "One-Click"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert (answer.status_code, shop.stock_notices) == (200, [])
    again = await browser.http.post(LINK, data={"List-Unsubscribe": "One-Click"})
    assert again.status_code == 200


async def test_what_was_too_old_to_be_confirmed_is_told(browser: Browser) -> None:
    page = await browser.http.post(LINK, data={"confirm": "stn_none"})
    assert page.status_code == 303
    assert "That request is too old." in text_of(await browser.get(LINK))


async def test_what_is_no_token_is_not_found(browser: Browser) -> None:
    assert (await browser.get("/shop/stock-notices/none")).status_code == 404


async def test_staff_sees_how_many_wait(browser: Browser, shop: FakeShop, gone: str) -> None:
    shop.sign_up("op@example.com", role="admin")
    await browser.log_in("op@example.com")
    assert "to know when it is back" not in text_of(await browser.get(f"/console/products/{gone}"))
    add_notice(shop, gone)
    assert "1 person wants to know when it is back." in text_of(await browser.get(f"/console/products/{gone}"))
    add_notice(shop, gone)
    assert "2 people want to know when it is back." in text_of(await browser.get(f"/console/products/{gone}"))
    shop.broken[f"/stock-notices/admin/products/{gone}"] = Refused(503, "unavailable")
    assert (await browser.get(f"/console/products/{gone}")).status_code == 200
