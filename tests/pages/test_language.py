"""In which language a visitor is answered, and whether all is said in it."""

import ast
import re
from collections import Counter

import httpx
import pytest
from babel.messages.catalog import Message

from kassa.kit.languages import LANGUAGES, nearest
from tests.pages.conftest import Browser, text_of
from tests.pages.fake_shop import FakeShop
from tests.pages.texts import PAGES, catalogue, key, path_of, renewed, said, texts

_PLACE = re.compile(r"%\(\w+\)s|</?[a-z]+")


@pytest.mark.parametrize("locale", LANGUAGES[1:])
def test_every_text_is_said_in_every_language(locale: str) -> None:
    known = catalogue(locale)
    unsaid = [key(each) for each in texts() if each.id and not _is_said(known.get(key(each)))]
    assert unsaid == [], "call `make texts`, and translate what is empty in the catalogue"
    assert path_of(locale).read_text() == renewed(locale, known), "call `make texts`"


def test_no_text_is_within_an_f_string_where_before_python_3_12_none_is_found() -> None:
    for file in PAGES.glob("*.py"):
        for made in (each for each in ast.walk(ast.parse(file.read_text())) if isinstance(each, ast.JoinedStr)):
            called = [each.func for each in ast.walk(made) if isinstance(each, ast.Call)]
            assert not {each.id for each in called if isinstance(each, ast.Name)} & {"_", "_n"}, f"{file}:{made.lineno}"


def _is_said(message: Message | None) -> bool:
    return message is not None and all(said(message)) and not message.fuzzy


@pytest.mark.parametrize("locale", LANGUAGES[1:])
def test_a_translation_shows_all_that_its_text_shows(locale: str) -> None:
    for message in (each for each in catalogue(locale) if each.id):
        one, *_, many = (message.id, message.id) if isinstance(message.id, str) else message.id
        forms = said(message)
        # A language may leave out the number where there is one of it.
        assert _shown(forms[-1]) == _shown(many), message.id
        assert all(_shown(form) <= _shown(many) | _shown(one) for form in forms), message.id


def _shown(text: str) -> Counter[str]:
    return Counter(_PLACE.findall(text))


@pytest.mark.parametrize(
    ("accepted", "tag"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("en;q=0.5, DE;q=0.9", "de"),
        ("fr,it;q=0.9", "en"),
        ("de;q=0,en;q=0.1", "en"),
        ("*;q=nonsense,;;,", "en"),
    ],
)
def test_the_nearest_language_is_spoken(accepted: str, tag: str) -> None:
    assert nearest(accepted, LANGUAGES) == tag


def test_a_region_that_is_offered_comes_before_its_language() -> None:
    assert nearest("de-AT", ("en", "de", "de-AT")) == "de-AT"
    assert nearest("de", ("en", "de-AT")) == "de-AT"


async def test_a_browser_is_answered_in_its_language(browser: Browser) -> None:
    page = await browser.get("/account/login", headers={"Accept-Language": "de-AT,de;q=0.9"})
    assert _spoken(page) == ("de", "de")
    assert {"Accept-Language", "Cookie"} <= set(page.headers["vary"].split(", "))
    assert "Passwort vergessen?" in page.text
    assert _spoken(await browser.get("/account/login")) == ("en", "en"), "nobody else"


async def test_a_visitor_s_choice_is_kept_and_stays_on_the_page(browser: Browser, shop: FakeShop) -> None:
    mug = shop.add("Mug", 123456, stock=7)
    page = await browser.get(f"/shop/products/{mug}?from=list")
    answer = await browser.submit(page, "/shop/language", language="de")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/shop/products/{mug}?from=list")
    page = await browser.get(answer.headers["location"], headers={"Accept-Language": "en"})
    assert _spoken(page) == ("de", "de")
    assert "1.234,56\u00a0$" in page.text
    assert "Warenkorb" in text_of(page)


async def test_a_language_that_is_not_offered_is_not_chosen(browser: Browser) -> None:
    page = await browser.get("/")
    await browser.submit(page, "/shop/language", language="../de")
    assert _spoken(await browser.get("/")) == ("en", "en")


async def test_a_page_that_is_not_there_is_missing_in_the_visitor_s_language(browser: Browser) -> None:
    page = await browser.get("/nowhere", headers={"Accept-Language": "de"})
    assert (page.status_code, _spoken(page)) == (404, ("de", "de"))


def _spoken(page: httpx.Response) -> tuple[str, str]:
    found = re.search(r'<html lang="([^"]+)"', page.text)
    return (found[1] if found else "", page.headers["content-language"])
