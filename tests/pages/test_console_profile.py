"""What the shop is known by, as staff change it in the console."""

import httpx
import pytest

from tests.pages.conftest import Browser, fields, text_of
from tests.pages.fake_shop import FakeShop, Json, Refused

KNOWN: Json = {
    "name": "Corner Shop",
    "logo": None,
    "logoDark": None,
    "accentLight": None,
    "accentDark": None,
    "orderButton": "order_and_pay",
    "languages": ["en", "de"],
    "texts": [
        {
            "language": "en",
            "footer": "Ltd.",
            "links": [{"label": "Sizes", "address": "/shop/sizes"}],
            "imprint": "Who",
            "terms": "",
            "privacy": "",
            "returns": "",
        }
    ],
    "updatedAt": "2026-11-30T12:00:00Z",
}


@pytest.fixture
async def operator(browser: Browser, shop: FakeShop) -> Browser:
    shop.profile = KNOWN
    shop.sign_up("op@example.com", role="admin")
    await browser.log_in("op@example.com")
    return browser


async def test_looks_are_changed_and_the_texts_stay(operator: Browser, shop: FakeShop) -> None:
    page = await operator.get("/console/shop")
    typed = {"name": "Mugs", "accentLight": "#7a1f5c", "languages": "de en", "orderButton": "buy_now"}
    saved = await operator.submit(page, "/console/shop", **typed)
    assert (saved.status_code, saved.headers["location"]) == (303, "/console/shop")
    [call] = shop.called("PUT", "/shop-profile")
    assert call.body["texts"] == KNOWN["texts"]
    assert (call.body["name"], call.body["accentLight"], call.body["accentDark"]) == ("Mugs", "#7a1f5c", None)
    assert (call.body["languages"], call.body["orderButton"]) == (["de", "en"], "buy_now")
    after = await operator.get("/console/shop")
    assert '<option value="de en" selected>Deutsch, then English</option>' in after.text
    assert after.text.count('data-testid="preview"') == 1
    assert 'fill="#7a1f5c"' in after.text
    assert 'href="/">Mugs</a>' in (await operator.get("/")).text, "this process shows it at once"


async def test_what_was_refused_comes_back_as_typed(operator: Browser, shop: FakeShop) -> None:
    page = await operator.get("/console/shop")
    errors = [{"field": "accentLight", "message": "must be darker: #707000 is the nearest that will do"}]
    shop.refuse_profile = Refused(422, "validation_failed", errors=errors)
    back = await operator.submit(page, "/console/shop", name="Mugs", accentLight="#ffff00")
    assert back.status_code == 422
    assert fields(back, "/console/shop") | {"name": "Mugs", "accentLight": "#ffff00"} == fields(back, "/console/shop")
    assert "It must be darker: #707000 is the nearest that will do." in text_of(back)
    shop.refuse_profile = Refused(409, "profile_changed")
    late = await operator.submit(page, "/console/shop", name="Cups")
    assert "Somebody else has changed" in text_of(late)
    assert fields(late, "/console/shop")["name"] == "Cups"


async def test_a_text_is_written_in_a_language_and_the_others_stay(operator: Browser, shop: FakeShop) -> None:
    page = await operator.get("/console/shop/de/imprint")
    await operator.submit(page, "/console/shop/de/imprint", imprint="Becher GmbH\r\nBremen")
    [call] = shop.called("PUT", "/shop-profile")
    english, german = call.body["texts"]
    assert english == KNOWN["texts"][0]
    assert (german["language"], german["imprint"], german["footer"]) == ("de", "Becher GmbH\r\nBremen", "")
    assert "Becher GmbH" in (await operator.get("/legal/imprint", headers={"Accept-Language": "de"})).text


async def test_links_are_typed_a_line_each(operator: Browser, shop: FakeShop) -> None:
    page = await operator.get("/console/shop/en/footer")
    assert "Sizes: /shop/sizes</textarea>" in page.text
    typed = {"footer": "Ltd.", "links": "Sizes: /shop/sizes\r\n\r\nBlog: https://blog.example/a:b"}
    await operator.submit(page, "/console/shop/en/footer", **typed)
    [call] = shop.called("PUT", "/shop-profile")
    assert call.body["texts"][0]["links"] == [
        {"label": "Sizes", "address": "/shop/sizes"},
        {"label": "Blog", "address": "https://blog.example/a:b"},
    ]
    shop.refuse_profile = Refused(
        422, "validation_failed", errors=[{"field": "texts[0].links[1].address", "message": "must begin"}]
    )
    back = await operator.submit(page, "/console/shop/en/footer", footer="Ltd.", links="A: b")
    assert "It must begin." in text_of(back)
    assert "A: b</textarea>" in back.text


@pytest.mark.parametrize("path", ["/console/shop/fr/imprint", "/console/shop/en/logo"])
async def test_there_are_no_other_texts(operator: Browser, path: str) -> None:
    assert (await operator.get(path)).status_code == 404


async def test_a_logo_is_sent_as_a_file_shown_and_taken_away(operator: Browser, shop: FakeShop) -> None:
    answer = await _logo(operator, "logo", ("mugs.png", b"\x89PNG and so on"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/shop#logos")
    [kept] = shop.called("POST", "/pictures")
    assert kept.query == {"keep": "true"}, "or it would be removed after a week, as of no product"
    [call] = shop.called("PUT", "/shop-profile")
    # Of the sizes that there are the first that is sharp on every screen.
    assert call.body["logo"] == f"/pictures/{14:032x}-320x240.webp"
    assert (call.body["logoDark"], call.body["texts"]) == (None, KNOWN["texts"])
    assert f'<img class="logo" src="{call.body["logo"]}" alt="Corner Shop"' in (await operator.get("/")).text
    page = await operator.get("/console/shop")
    assert f'<img src="{call.body["logo"]}" alt="Logo"' in page.text
    assert (await operator.submit(page, "/console/shop/logo", remove="yes")).status_code == 303
    assert shop.called("PUT", "/shop-profile")[-1].body["logo"] is None


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (("mugs.gif", b"GIF89a"), "“mugs.gif” was not taken: send a picture that is whole, as JPEG, PNG or WebP."),
        (("", b""), "Choose a picture first."),
    ],
)
async def test_what_is_no_logo_is_told_and_nothing_is_changed(
    operator: Browser, shop: FakeShop, file: tuple[str, bytes], said: str
) -> None:
    answer = await _logo(operator, "logoDark", file)
    assert (answer.status_code, said in text_of(answer)) == (422, True)
    assert 'value="Corner Shop"' in answer.text
    assert shop.called("PUT", "/shop-profile") == []
    assert (await _logo(operator, "texts", ("mugs.png", b"\x89PNG"))).status_code == 400


async def _logo(operator: Browser, which: str, file: tuple[str, bytes]) -> httpx.Response:
    page = await operator.get("/console/shop")
    given = {**fields(page, "/console/shop/logo"), "which": which}
    return await operator.http.post("/console/shop/logo", data=given, files={"file": (*file, "image/png")})
