"""Lists that a buyer narrows and sorts, and what product pages show besides the product; without a script."""

import re

from kassa.pages.catalogue_models import Category
from kassa.pages.narrowing import Branch, Narrowed, nearest, tree, way_to
from tests.pages.conftest import Browser, text_of
from tests.pages.fake_shop import FakeShop

CATEGORIES = [
    Category("Kitchen", 2),
    Category("Kitchen / Pots", 3),
    Category("Kitchen / Pots / Lids", 1),
    Category("Linen > Towels", 4),
]
SIZES = {"name": "Size", "values": [{"value": "S", "products": 2}, {"value": "M", "products": 1}]}


def test_categories_are_a_tree_that_counts_what_is_below() -> None:
    branches = tree(CATEGORIES)
    assert branches == [
        Branch("Kitchen", "Kitchen", 0, 6),
        Branch("Kitchen / Pots", "Pots", 1, 4),
        Branch("Kitchen / Pots / Lids", "Lids", 2, 1),
        Branch("Linen", "Linen", 0, 4),
        Branch("Linen > Towels", "Towels", 1, 4),
    ]
    assert [each.label for each in nearest(branches, "")] == ["Kitchen", "Linen"]
    assert [each.label for each in nearest(branches, "Kitchen")] == ["Pots"]
    assert [each.label for each in nearest(branches, "Kitchen / Pots / Lids")] == ["Lids"]
    assert way_to("Kitchen / Pots > Lids") == ["Kitchen", "Kitchen / Pots", "Kitchen / Pots > Lids"]


def test_what_makes_no_sense_in_an_address_is_left_out() -> None:
    asked = {"minPrice": "cheap", "maxPrice": "12,50", "sort": "best", "inStock": "maybe", "q": " mug "}
    assert Narrowed.read(asked) == Narrowed(q="mug", max_price="12.50")


async def test_the_api_is_asked_for_what_the_form_says(browser: Browser, shop: FakeShop) -> None:
    shop.add("Pot", category="Kitchen / Pots")
    shop.options = [SIZES]
    chosen = {"category": "Kitchen", "sort": "-price", "minPrice": "5", "maxPrice": "", "inStock": "true"}
    page = await browser.get("/", params={**chosen, "option": ["Size:M", ""]})
    (asked,) = [call.query for call in shop.called("GET", "/products")]
    assert asked == {
        "within": "Kitchen",
        "sort": "-price",
        "minPrice": "5",
        "inStock": "true",
        "option": "Size:M",
        "collapse": "family",
        "limit": "3",
        "skip": "0",
    }
    assert '<option value="-price" selected>' in page.text
    assert '<option value="Size:M" selected>M (1)</option>' in page.text
    assert '<option value="Kitchen" selected>Kitchen (1)</option>' in page.text
    assert re.findall(r">([^<>]+) <span aria-hidden=\"true\">×", page.text) == [
        "Kitchen",
        "Size: M",
        "From 5",
        "In stock",
    ]
    without = "/?sort=-price&amp;minPrice=5&amp;inStock=true&amp;option=Size%3AM"
    assert f'<a href="{without}">Kitchen' in page.text
    assert 'data-testid="total"' not in page.text  # Nobody counts what is in stock.


async def test_without_a_choice_of_values_there_is_no_option_to_choose(browser: Browser, shop: FakeShop) -> None:
    shop.add("Pot")
    shop.options = [{"name": "Size", "values": [{"value": "S", "products": 2}]}]
    assert "filter-option" not in (await browser.get("/")).text


async def test_the_first_page_leads_to_the_categories_by_pictures(browser: Browser, shop: FakeShop) -> None:
    shop.add("Pot", category="Kitchen / Pots", images=["/shop/static/products/pot.svg"])
    shop.add("Towel", category="Linen")
    page = await browser.get("/")
    assert re.findall(r'<a class="tile" href="([^"]+)"', page.text) == ["/?category=Kitchen", "/?category=Linen"]
    assert page.text.count("/shop/static/products/pot.svg") == 2
    assert 'class="tile"' not in (await browser.get("/?sort=name&skip=1")).text


async def test_a_product_leads_to_others_of_its_category(browser: Browser, shop: FakeShop) -> None:
    mug = shop.add("Mug", category="Cups")
    for number in range(6):
        shop.add(f"Cup {number}", category="Cups")
    shop.add("Towel", category="Linen")
    page = await browser.get(f"/shop/products/{mug}")
    related = page.text.partition('data-testid="related"')[2].partition("</section>")[0]
    assert related.count('data-testid="product-card"') == 4
    assert "Towel" not in related
    assert mug not in related
    assert "add-to-cart" not in related


async def test_several_pictures_are_led_to_by_small_ones(browser: Browser, shop: FakeShop) -> None:
    images = ["/shop/static/products/a.svg", "javascript:alert(1)", "https://pictures.example/b.jpg"]
    page = await browser.get(f"/shop/products/{shop.add('Mug', images=images)}")
    assert re.findall(r'<li id="(picture-\d)"><a href="([^"]+)"', page.text) == [
        ("picture-1", images[0]),
        ("picture-2", images[2]),
    ]
    assert re.findall(r'<li><a href="#(picture-\d)"', page.text) == ["picture-1", "picture-2"]
    single = await browser.get(f"/shop/products/{shop.add('Cup', images=images[:1])}")
    assert f'<a href="{images[0]}" aria-label="Picture in full size">' in single.text
    assert "thumbs" not in single.text


async def test_a_product_page_says_how_it_comes_and_goes_back(browser: Browser, shop: FakeShop) -> None:
    mug = shop.add("Mug")
    told = text_of(await browser.get(f"/shop/products/{mug}"))
    assert "14 days to change your mind" in told
    never = shop.add("Face cream", withdrawalExcluded="sealed_hygiene")
    assert "change your mind" not in text_of(await browser.get(f"/shop/products/{never}"))
    file = shop.add("Song", isDigital=True)
    assert "Digital: nothing is sent by post." in text_of(await browser.get(f"/shop/products/{file}"))


async def test_the_search_box_says_what_its_script_needs(browser: Browser) -> None:
    page = await browser.get("/", headers={"Accept-Language": "de"})
    assert 'data-suggest="/products/suggest"' in page.text
    assert 'data-from="Ab %"' in page.text
    assert re.search(r'<script src="/shop/static/search\.js\?v=\w+" type="module"></script>', page.text)
