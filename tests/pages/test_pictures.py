"""Pictures on the pages: as large as they are shown; and in the console: added, put in front, taken away."""

import httpx
import pytest

from tests.pages.conftest import Browser, text_of
from tests.pages.fake_shop import FakeShop

OURS = f"/pictures/{'a' * 32}-1280x960.webp"
PNG = b"\x89PNG and so on"


@pytest.fixture
async def operator(browser: Browser, shop: FakeShop) -> Browser:
    shop.sign_up("admin@shop.example", role="admin")
    await browser.log_in("admin@shop.example")
    return browser


async def sent(operator: Browser, product_id: str, *files: tuple[str, bytes]) -> httpx.Response:
    address = f"/console/products/{product_id}"
    page = await operator.get(address)
    csrf = page.text.partition('name="csrf" value="')[2].partition('"')[0]
    given = [("pictures", (name, content, "image/png")) for name, content in files]
    # Of no file a browser sends a part without a name.
    parts = given or [("pictures", ("", b"", ""))]
    return await operator.http.post(f"{address}/pictures", data={"csrf": csrf}, files=parts)


async def test_a_picture_of_the_shop_comes_in_the_size_that_is_shown(browser: Browser, shop: FakeShop) -> None:
    mug = shop.add("Mug", images=[OURS, "https://cdn.example/a.png"])
    page = await browser.get(f"/shop/products/{mug}")
    sizes = ", ".join(f"{OURS[:-13]}{w}x{h}.webp {w}w" for w, h in ((320, 240), (640, 480), (1280, 960)))
    assert f'src="{OURS[:-13]}640x480.webp" srcset="{sizes}" sizes="(min-width' in page.text
    assert f'<a href="{OURS}"' in page.text
    assert 'src="https://cdn.example/a.png" alt=""' in page.text
    assert page.text.count("srcset=") == 2
    assert f'srcset="{sizes}" sizes="(max-width: 520px) 50vw' in (await browser.get("/")).text


async def test_files_are_added_to_the_pictures_of_a_product(operator: Browser, shop: FakeShop) -> None:
    mug = shop.add("Mug", images=["/a.svg"])
    answer = await sent(operator, mug, ("one.png", PNG), ("two.png", PNG + b"!"))
    assert (answer.status_code, answer.headers["location"]) == (303, f"/console/products/{mug}#pictures")
    added = [f"/pictures/{len(PNG) + more:032x}-1280x960.webp" for more in (0, 1)]
    assert list(shop.products[mug]["images"]) == ["/a.svg", *added]


async def test_what_is_no_picture_is_told_by_its_name_and_the_others_are_added(
    operator: Browser, shop: FakeShop
) -> None:
    mug = shop.add("Mug", images=[])
    answer = await sent(operator, mug, ("mug.gif", b"GIF89a"), ("mug.png", PNG))
    assert answer.status_code == 422
    assert "“mug.gif” was not added: send a picture that is whole, as JPEG, PNG or WebP." in text_of(answer)
    assert len(shop.products[mug]["images"]) == 1
    assert 'data-testid="own-picture"' in answer.text


@pytest.mark.parametrize(("many", "said"), [(0, "Choose a picture first."), (11, "A product has at most 10 pictures.")])
async def test_none_and_too_many_are_told(operator: Browser, shop: FakeShop, many: int, said: str) -> None:
    mug = shop.add("Mug", images=[])
    answer = await sent(operator, mug, *[("mug.png", PNG)] * many)
    assert (answer.status_code, said in text_of(answer)) == (422, True)
    assert shop.called("POST", "/pictures") == []


async def test_a_form_with_files_of_another_site_is_refused(operator: Browser, shop: FakeShop) -> None:
    mug = shop.add("Mug", images=[])
    answer = await operator.http.post(
        f"/console/products/{mug}/pictures", data={"csrf": "x"}, files=[("pictures", ("a.png", PNG, "image/png"))]
    )
    assert (answer.status_code, shop.called("POST", "/pictures")) == (403, [])


async def test_pictures_are_put_in_front_and_taken_away(operator: Browser, shop: FakeShop) -> None:
    mug = shop.add("Mug", images=["/a.svg", OURS, "/c.svg"])
    address = f"/console/products/{mug}"
    await operator.submit(await operator.get(address), f"{address}/pictures/change", first=OURS)
    assert list(shop.products[mug]["images"]) == [OURS, "/a.svg", "/c.svg"]
    await operator.submit(await operator.get(address), f"{address}/pictures/change", remove="/a.svg")
    assert list(shop.products[mug]["images"]) == [OURS, "/c.svg"]
