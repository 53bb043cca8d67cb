"""Families on the pages: lists show each once, a product's page lets one choose, the console makes and changes them."""

import re

import pytest

from tests.pages.conftest import Browser, text_of
from tests.pages.fake_families import add_family, add_variant
from tests.pages.fake_shop import FakeShop, Refused

HOSTILE = "<script>alert('x')</script>\" onload=\"x"


@pytest.fixture
def shirts(shop: FakeShop) -> dict[str, str]:
    """A family of shirts: its id, and those of its variants by their values."""
    family = add_family(shop, "Shirt", Colour=["Red", "Blue"], Size=["S", "M", "L"])
    made = [("Red", "S", 2000, 5), ("Red", "M", 2000, 0), ("Blue", "S", 2500, 7)]
    variants = {
        f"{colour} {size}": add_variant(shop, family, colour, size, price_minor=price, stock=stock)
        for colour, size, price, stock in made
    }
    return {"family": family, **variants}


@pytest.fixture
async def operator(browser: Browser, shop: FakeShop) -> Browser:
    shop.sign_up("op@example.com", role="admin")
    await browser.log_in("op@example.com")
    return browser


async def test_a_list_shows_a_family_once_from_its_lowest_price(
    browser: Browser, shop: FakeShop, shirts: dict[str, str]
) -> None:
    shop.add("Cup", 500)
    page = await browser.get("/")
    assert page.text.count('data-testid="product-card"') == 2
    words = text_of(page)
    for told in ("From $20.00", "3 variants", "Choose : Shirt", "2 products", "Cup"):
        assert told in words
    assert "Shirt, Red" not in words
    assert page.text.count('data-testid="add-to-cart"') == 1
    assert f'href="/shop/products/{shirts["Red S"]}"' in page.text


async def test_of_variants_that_cost_the_same_the_price_is_told(browser: Browser, shop: FakeShop) -> None:
    family = add_family(shop, "Scarf", Colour=["Red", "Blue"])
    for colour in ("Red", "Blue"):
        add_variant(shop, family, colour, price_minor=1200)
    words = text_of(await browser.get("/"))
    assert "$12.00" in words
    assert "From $" not in words


async def test_a_family_with_one_variant_is_that_product(browser: Browser, shop: FakeShop) -> None:
    add_variant(shop, add_family(shop, "Scarf", Colour=["Red", "Blue"]), "Red")
    page = await browser.get("/")
    assert "Scarf, Red" in text_of(page)
    assert 'data-testid="add-to-cart"' in page.text


def choices(html: str) -> dict[str, tuple[str, str]]:
    """By value: the product that it leads to, and how it is shown."""
    links = re.findall(r'<li><a href="/shop/products/(\w+)"([^>]*)>([^<]+)', html)
    return {value.strip(): (product, how.strip()) for product, how, value in links}


async def test_a_product_s_page_leads_to_the_other_variants(browser: Browser, shirts: dict[str, str]) -> None:
    page = await browser.get(f"/shop/products/{shirts['Red S']}")
    assert choices(page.text) == {
        "Red": (shirts["Red S"], 'aria-current="true"'),
        "Blue": (shirts["Blue S"], ""),
        "S": (shirts["Red S"], 'aria-current="true"'),
        "M": (shirts["Red M"], 'class="gone"'),
    }
    assert "M , sold out" in text_of(page)


async def test_what_there_is_not_in_this_colour_leads_to_one_in_another(
    browser: Browser, shirts: dict[str, str]
) -> None:
    page = await browser.get(f"/shop/products/{shirts['Blue S']}")
    assert choices(page.text)["M"] == (shirts["Red M"], 'class="gone"')
    assert "L" not in choices(page.text)


async def test_without_its_family_a_variant_can_be_bought_all_the_same(
    browser: Browser, shop: FakeShop, shirts: dict[str, str]
) -> None:
    shop.broken[f"/families/{shirts['family']}"] = Refused(503, "unavailable")
    page = await browser.get(f"/shop/products/{shirts['Red S']}")
    assert page.status_code == 200
    assert 'data-testid="add-to-cart"' in page.text
    assert choices(page.text) == {}


async def test_beyond_what_can_be_passed_over_there_is_nothing(browser: Browser, shop: FakeShop) -> None:
    shop.add("Cup")
    page = await browser.get("/?skip=2400")
    assert "There is nothing on this page." in page.text


async def test_the_cart_says_which_variant_it_is(browser: Browser, shirts: dict[str, str]) -> None:
    page = await browser.get(f"/shop/products/{shirts['Blue S']}")
    await browser.submit(page, "/cart/add", quantity="2")
    assert "Shirt, Blue, S" in text_of(await browser.get("/cart"))


async def test_what_a_shop_writes_is_no_html(browser: Browser, shop: FakeShop) -> None:
    family = add_family(shop, HOSTILE, Size=[HOSTILE, "M"])
    first = add_variant(shop, family, HOSTILE)
    add_variant(shop, family, "M")
    for path in ("/", f"/shop/products/{first}"):
        assert "<script>alert" not in (await browser.get(path)).text


async def test_the_console_lists_families_and_their_variants(operator: Browser, shirts: dict[str, str]) -> None:
    listed = await operator.get("/console/families")
    assert "Colour: Red, Blue" in text_of(listed)
    page = text_of(await operator.get(f"/console/families/{shirts['family']}"))
    assert "Red, M" in page
    assert "$25.00" in page


async def test_a_family_is_made_and_changed_in_the_console(operator: Browser, shop: FakeShop) -> None:
    page = await operator.get("/console/families/new")
    typed = {"name": "Polo", "option1": "Size", "values1": " S \r\nM\r\n\r\n", "values2": "", "values3": ""}
    answer = await operator.submit(page, "/console/families/new", **typed)
    assert answer.status_code == 303
    (family,) = shop.families.values()
    assert (family["name"], family["options"]) == ("Polo", [{"name": "Size", "values": ["S", "M"]}])
    address = f"/console/families/{family['id']}"
    page = await operator.get(address)
    await operator.submit(page, address, name="Polo shirt", values1="S\nM\nL", values2="", values3="")
    assert shop.families[family["id"]]["name"] == "Polo shirt"
    assert shop.families[family["id"]]["options"][0]["values"] == ["S", "M", "L"]


async def test_a_value_that_a_variant_has_is_not_taken_away_in_the_console(
    operator: Browser, shop: FakeShop, shirts: dict[str, str]
) -> None:
    address = f"/console/families/{shirts['family']}"
    page = await operator.get(address)
    answer = await operator.submit(page, address, values1="Blue", values2="S\nM\nL", values3="")
    assert answer.status_code == 409
    assert f"product {shirts['Red S']} has the value" in text_of(answer)
    assert "Blue</textarea>" in answer.text
    assert shop.families[shirts["family"]]["options"][0]["values"] == ["Red", "Blue"]


async def test_a_refused_family_keeps_what_was_typed(operator: Browser) -> None:
    page = await operator.get("/console/families/new")
    answer = await operator.submit(
        page, "/console/families/new", name="", option1="Size", values1="S", values2="", values3=""
    )
    assert answer.status_code == 422
    assert "is missing" in answer.text
    assert 'value="Size"' in answer.text


async def test_a_variant_is_made_in_the_console_and_named_after_its_family(
    operator: Browser, shop: FakeShop, shirts: dict[str, str]
) -> None:
    page = await operator.get(f"/console/products/new?family={shirts['family']}")
    assert f'<option value="{shirts["family"]}" selected>Shirt (Colour, Size)</option>' in page.text
    more = {"gtin": "96385074", "weightGrams": "250", "taxClass": "reduced", "isDigital": "yes"}
    typed = {"name": "Blue", "description": "", "price": "25", "category": "Clothes", "images": ""}
    chosen = {"familyId": shirts["family"], "option1": "Blue", "option2": "L"}
    await operator.submit(page, "/console/products/new", **typed, **more, **chosen)
    body = shop.called("POST", "/products")[-1].body
    assert body["familyId"] == shirts["family"]
    assert body["optionValues"] == [{"name": "Colour", "value": "Blue"}, {"name": "Size", "value": "L"}]
    assert {name: body[name] for name in more} == more | {"weightGrams": 250, "isDigital": True}


async def test_a_product_s_form_has_its_values_and_takes_it_out_of_its_family(
    operator: Browser, shop: FakeShop, shirts: dict[str, str]
) -> None:
    address = f"/console/products/{shirts['Red M']}"
    page = await operator.get(address)
    assert re.search(r'name="option2"[^>]* value="M"', page.text)
    await operator.submit(page, address, description="", images="", familyId="")
    body = shop.called("PUT", f"/products/{shirts['Red M']}")[-1].body
    assert body["familyId"] is None
    assert "optionValues" not in body


async def test_another_variant_with_these_values_is_named_beside_the_family(
    operator: Browser, shirts: dict[str, str]
) -> None:
    address = f"/console/products/{shirts['Red M']}"
    page = await operator.get(address)
    answer = await operator.submit(page, address, description="", images="", option2="S", familyId=shirts["family"])
    assert answer.status_code == 409
    assert f"Product {shirts['Red S']} is this variant already." in answer.text
