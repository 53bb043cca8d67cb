"""Products are imported in the console: a file is looked at, row by row, before anything is done."""

import base64
import zlib

import httpx
import pytest

from tests.pages.conftest import Browser, fields, text_of
from tests.pages.fake_shop import FakeShop
from tests.pages.test_console_roles import of_role

AT = "/console/products/import"


async def chosen(staff: Browser, content: bytes, name: str = "goods.csv") -> httpx.Response:
    form = fields(await staff.get(AT), AT)
    return await staff.http.post(AT, data=form, files={"file": (name, content, "text/csv")})


async def test_nothing_is_done_before_it_is_confirmed_and_what_was_done_is_said(
    browser: Browser, shop: FakeShop
) -> None:
    staff = await of_role(browser, shop, "stock")
    sure = await chosen(staff, b"name\nMug\nTeapot\n")
    assert (sure.status_code, shop.products) == (200, {})
    assert "2 products will be added" in text_of(sure)
    assert sure.text.count('data-testid="import-row"') == 2
    assert "a product export from Shopify" in text_of(sure)
    done = await staff.submit(sure, f"{AT}/done")
    assert (done.status_code, len(shop.products)) == (200, 2)
    assert "2 products were added, 0 changed, 0 kept" in text_of(done)


async def test_each_wrong_row_is_named_and_nothing_is_imported(browser: Browser, shop: FakeShop) -> None:
    staff = await of_role(browser, shop, "stock")
    refused = await chosen(staff, b"name\nMug\nwrong\nPot\nwrong\n")
    said = text_of(refused)
    assert (refused.status_code, shop.products) == (422, {})
    assert "Nothing was imported. 7 things need mending" in said
    assert "Row 3 : is wrong" in said
    assert "Row 5 : is wrong" in said
    assert "And 5 more." in said
    assert 'type="file"' in refused.text


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [(b"", 422, "Choose a file first."), (b"x" * (512 * 1024 + 1), 413, "too large for the console")],
)
async def test_no_file_and_a_large_one_are_refused_in_words(
    browser: Browser, shop: FakeShop, content: bytes, status: int, said: str
) -> None:
    answer = await chosen(await of_role(browser, shop, "stock"), content)
    assert (answer.status_code, said in answer.text) == (status, True)


@pytest.mark.parametrize("packed", ["", "%%%", base64.b64encode(b"no zip").decode(), "bomb"])
async def test_a_form_that_has_lost_its_file_says_so(browser: Browser, shop: FakeShop, packed: str) -> None:
    staff = await of_role(browser, shop, "stock")
    sure = await chosen(staff, b"name\nMug\n")
    if packed == "bomb":
        packed = base64.b64encode(zlib.compress(bytes(50_000_000), 9)).decode()
    answer = await staff.submit(sure, f"{AT}/done", packed=packed)
    assert (answer.status_code, "Choose it once more." in answer.text, shop.products) == (422, True, {})


async def test_who_changes_no_products_imports_none(browser: Browser, shop: FakeShop) -> None:
    staff = await of_role(browser, shop, "support")
    assert (await staff.get(AT)).status_code == 403
    assert AT not in (await staff.get("/console/products")).text
