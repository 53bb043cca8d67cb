"""The shop's own name, looks, foot, legal pages and languages, as visitors are shown them."""

import asyncio
import re

import pytest

from kassa.kit.colour import DARK, LIGHT
from kassa.pages.brand import Brand
from kassa.pages.client import ApiProblem
from kassa.pages.legal import html_of
from kassa.pages.profile_models import OneProfile, Profile
from kassa.pages.statics import Statics
from tests.pages.conftest import Browser, text_of
from tests.pages.fake_shop import FakeShop, Json
from tests.pages.test_guest_checkout import POST, checked

GERMAN = {"Accept-Language": "de"}
SEEN: Json = {
    "name": "Mugs <of> Bremen",
    "logo": "https://pictures.example/logo.svg",
    "logoDark": "/logo-dark.svg",
    "accentLight": "#7a1f5c",
    "accentDark": "#e59ccb",
    "updatedAt": "2026-11-30T12:00:00Z",
    "texts": [
        {"language": "en", "footer": "Mugs Ltd.\nBremen", "terms": "# One\n\nBe **kind**."},
        {
            "language": "de",
            "imprint": "Becher GmbH\nDeich 1",
            "links": [{"label": "Größen", "address": "/shop/sizes"}],
        },
    ],
}


async def test_a_shop_without_a_profile_looks_as_before(browser: Browser) -> None:
    page = await browser.get("/")
    assert 'href="/">Corner Shop</a>' in page.text
    assert "/shop/brand/" not in page.text
    assert "/legal/" not in page.text
    for path in ("/legal/imprint", "/shop/brand/brand.css", "/shop/brand/icon.svg", "/shop/brand/x"):
        assert (await browser.get(path)).status_code == 404, path


async def test_name_logo_and_colours_are_the_shop_s(browser: Browser, shop: FakeShop) -> None:
    shop.profile = SEEN
    page = await browser.get("/")
    assert "<title>Mugs &lt;of&gt; Bremen</title>" in page.text or "Mugs &lt;of&gt; Bremen</title>" in page.text
    assert '<img class="logo" src="https://pictures.example/logo.svg" alt="Mugs &lt;of&gt; Bremen"' in page.text
    assert '<source srcset="/logo-dark.svg" media="(prefers-color-scheme: dark)">' in page.text
    style = re.findall(r'href="(/shop/brand/brand\.css\?v=[0-9a-f]{12})"', page.text)[0]
    css = await browser.get(style)
    assert (css.headers["content-type"], css.headers["cache-control"]) == (
        "text/css; charset=utf-8",
        "public, max-age=31536000",
    )
    assert "--accent:#7a1f5c" in css.text
    assert "--accent:#e59ccb" in css.text.partition("dark")[2]
    other = await browser.get("/shop/brand/brand.css?v=000000000000")
    assert other.headers["cache-control"] == "public, max-age=60"
    icon = re.findall(r'href="(/shop/brand/icon\.svg\?v=[0-9a-f]{12})"', page.text)[0]
    drawn = (await browser.get(icon)).text
    assert ('fill="#7a1f5c"' in drawn, ">M</text>" in drawn) == (True, True)


async def test_a_legal_page_is_shown_in_the_visitor_s_language_or_in_the_shop_s(
    browser: Browser, shop: FakeShop
) -> None:
    shop.profile = SEEN
    page = await browser.get("/legal/imprint")
    assert (page.status_code, "Legal notice" in page.text) == (200, True)
    assert 'lang="de" data-testid="legal"' in page.text
    assert "Becher GmbH<br />\nDeich 1" in page.text
    assert "noindex" not in page.text
    german = await browser.get("/legal/terms", headers=GERMAN)
    assert ('<h1 lang="de">AGB</h1>' in german.text, "<h2>One</h2>" in german.text) == (True, True)
    assert "<strong>kind</strong>" in german.text
    for path in ("/legal/privacy", "/legal/returns", "/legal/other"):
        assert (await browser.get(path)).status_code == 404, path
    sitemap = (await browser.get("/sitemap/1")).text
    assert re.findall("/legal/([a-z]+)<", sitemap) == ["imprint", "terms"]


async def test_the_foot_leads_to_what_there_is(browser: Browser, shop: FakeShop) -> None:
    shop.profile = SEEN
    page = await browser.get("/", headers=GERMAN)
    foot = page.text.partition("<footer")[2]
    assert 'lang="en" data-testid="foot-text">Mugs Ltd.\nBremen</span>' in foot
    assert '<a href="/legal/imprint">Impressum</a>' in foot
    assert '<a href="/shop/sizes">Größen</a>' in foot
    assert "/legal/privacy" not in foot


@pytest.mark.parametrize(
    ("languages", "accepted", "spoken"), [(["de"], "en", "de"), (["de", "en"], "fr", "de"), (["de", "en"], "en", "en")]
)
async def test_a_shop_speaks_its_own_languages_alone(
    browser: Browser, shop: FakeShop, languages: list[str], accepted: str, spoken: str
) -> None:
    shop.profile = {"languages": languages}
    page = await browser.get("/", headers={"Accept-Language": accepted})
    assert f'<html lang="{spoken}">' in page.text
    assert ('action="/shop/language"' in page.text) == (len(languages) > 1)


@pytest.mark.parametrize(
    ("button", "language", "words"),
    [
        ("order_and_pay", "en", "Order and pay $24.90"),
        ("obligation", "en", "Order with obligation to pay"),
        ("obligation", "de", "Zahlungspflichtig bestellen"),
        ("buy_now", "de", "Jetzt kaufen"),
    ],
)
async def test_the_button_that_orders_says_what_the_shop_has_chosen(
    browser: Browser, shop: FakeShop, button: str, language: str, words: str
) -> None:
    shop.profile, shop.selling.offers = {"orderButton": button, "languages": [language]}, [POST]
    await browser.put_in_cart(shop.add("Mug", 1000, stock=7), 2)
    page, _ = await checked(browser)
    assert re.search(rf'data-testid="place-order"[^>]*>{re.escape(words)}</button>', page.text), text_of(page)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "[a](javascript:alert(1))",
        "[a](data:text/html,x)",
        "![a](https://spy.example/pixel.png)",
        '<https://a.example/" onclick="alert(1)>',
    ],
)
def test_nothing_of_a_legal_text_is_html(text: str) -> None:
    html = html_of(text)
    assert not re.search(r"<(?!/?(p|a|br|em|strong)\b)|href=\"(?!https?:|/|mailto:)|<[^>]* on\w+=", html), html


class Asked:
    """An API that answers so."""

    def __init__(self, *answers: OneProfile | ApiProblem | float) -> None:
        self.answers, self.count = list(answers), 0

    async def get(self, path: str, kind: type) -> OneProfile:
        self.count += 1
        answer = self.answers.pop(0)
        if isinstance(answer, float):
            await asyncio.sleep(answer)
        if not isinstance(answer, OneProfile):
            raise ApiProblem(503, "unavailable")
        return answer


async def test_the_profile_is_asked_for_once_in_some_seconds_and_kept_while_it_cannot_be_had(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named = [OneProfile(Profile(name=name)) for name in "AB"]
    api, brand = Asked(named[0], ApiProblem(503, "unavailable"), 60.0, named[1]), Brand()
    await asyncio.gather(*(brand.refresh(lambda: api) for _ in range(5)))  # type: ignore[arg-type,return-value]
    assert (api.count, brand.profile.name) == (1, "A")
    monkeypatch.setattr(Brand, "KEPT_FOR", 0.0)
    monkeypatch.setattr(Brand, "_PATIENCE", 0.05)
    brand._until = 0.0
    for count, name in ((2, "A"), (3, "A"), (4, "B")):
        await brand.refresh(lambda: api)  # type: ignore[arg-type,return-value]
        assert (api.count, brand.profile.name) == (count, name)


def test_the_backgrounds_that_contrast_is_reckoned_with_are_those_of_the_pages() -> None:
    file = Statics().get("shop.css")
    assert file is not None
    light, _, dark = file.content.decode().partition("prefers-color-scheme: dark")
    for css, scheme in ((light, LIGHT), (dark, DARK)):
        paper, card = (re.search(rf"--{name}: (#[0-9a-f]{{6}});", css) for name in ("paper", "card"))
        assert paper is not None
        assert card is not None
        assert (paper[1], card[1]) == scheme.backgrounds
