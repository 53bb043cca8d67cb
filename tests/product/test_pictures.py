"""Pictures: taken by what they are, made anew, shown in sizes, removed when nobody needs them."""

import asyncio
import io
import struct
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms

from kassa.contracts.pictures import sizes_at
from kassa.kit.clock import DAY
from kassa.kit.documents import Database
from kassa.product.pictures import MOST_WAITING
from kassa.storage.documents_mongo import MongoDatabase
from kassa.storage.documents_sqlite import SqliteDatabase
from tests.servers import mongod

from .world import World


@pytest.fixture(params=["sqlite", pytest.param("mongo", marks=pytest.mark.slow)])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """An empty catalogue, in each of the stores."""
    database: Database
    if request.param == "sqlite":
        database = await SqliteDatabase.open(tmp_path / "product.db")
    else:
        database = await MongoDatabase.open(mongod.shared().uri, f"pictures{tmp_path.name[-8:].replace('-', '')}db")
    yield await World.on(database)
    await database.close()


def drawn(kind: str, size: tuple[int, int], mode: str = "RGB", **more: Any) -> bytes:
    """A picture whose left half is red and whose right half is blue."""
    image = Image.new("RGB", size, "red")
    image.paste((0, 0, 255), (size[0] // 2, 0, *size))
    content = io.BytesIO()
    image.convert(mode).save(content, kind, **more)
    return content.getvalue()


async def sent(world: World, content: bytes) -> dict[str, Any]:
    answer = await world.ask("POST", "/pictures", content=content, role="admin")
    assert answer.status_code == 201, answer.text
    picture: dict[str, Any] = answer.json()["picture"]
    return picture


async def shown(world: World, address: str) -> Image.Image:
    answer = await world.ask("GET", address)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    return Image.open(io.BytesIO(answer.content))


async def refused(world: World, content: bytes) -> str:
    answer = await world.ask("POST", "/pictures", content=content, role="admin")
    assert (answer.status_code, answer.json()["code"]) == (422, "picture_refused")
    detail: str = answer.json()["detail"]
    return detail


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_a_picture_is_shown_in_each_size(world: World, kind: str) -> None:
    picture = await sent(world, drawn(kind, (2000, 1500)))
    assert [(each["width"], each["height"]) for each in picture["sizes"]] == [(320, 240), (640, 480), (1280, 960)]
    assert picture["address"] == picture["sizes"][-1]["address"]
    for each in picture["sizes"]:
        image = await shown(world, each["address"])
        assert (image.format, image.size) == ("WEBP", (each["width"], each["height"]))
        assert image.getpixel((0, 0))[0] > 200 > 60 > image.getpixel((image.width - 1, 0))[0]  # type: ignore[index]
    assert [each.address for each in sizes_at(picture["address"])] == [each["address"] for each in picture["sizes"]]


@pytest.mark.parametrize(
    ("size", "widths"), [((1, 1), [1]), ((500, 700), [320, 500]), ((1280, 20), [320, 640, 1280]), ((900, 9000), [256])]
)
async def test_none_is_made_larger_or_taller_than_it_may_be(
    world: World, size: tuple[int, int], widths: list[int]
) -> None:
    picture = await sent(world, drawn("PNG", size))
    assert [each["width"] for each in picture["sizes"]] == widths
    assert (await shown(world, picture["address"])).size == (picture["width"], picture["height"])


async def test_what_a_camera_wrote_is_not_kept_and_the_picture_is_upright(world: World) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "CanaryCamera"
    exif.get_ifd(0x8825)[1] = "N"
    picture = await sent(world, drawn("JPEG", (800, 400), exif=exif, comment=b"canary"))
    assert (picture["width"], picture["height"]) == (400, 800)
    for each in picture["sizes"]:
        image = await shown(world, each["address"])
        assert not {"exif", "icc_profile", "xmp"} & image.info.keys()
        assert b"anary" not in (await world.ask("GET", each["address"])).content
        assert image.getpixel((0, 0))[0] > 200 > 60 > image.getpixel((0, image.height - 1))[0]  # type: ignore[index]


async def test_what_can_be_seen_through_stays_so(world: World) -> None:
    content = io.BytesIO()
    Image.new("RGBA", (40, 40), (255, 0, 0, 0)).save(content, "PNG")
    picture = await sent(world, content.getvalue())
    assert (await shown(world, picture["address"])).convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index]


@pytest.mark.parametrize(("mode", "kind"), [("L", "PNG"), ("P", "PNG"), ("1", "PNG"), ("CMYK", "JPEG"), ("LA", "PNG")])
async def test_pictures_of_all_kinds_of_colours_are_taken(world: World, mode: str, kind: str) -> None:
    assert (await sent(world, drawn(kind, (64, 64), mode)))["width"] == 64


async def test_sixteen_bits_of_grey_are_not_all_white(world: World) -> None:
    content = io.BytesIO()
    Image.new("I;16", (20, 20), 32768).save(content, "PNG")
    image = await shown(world, (await sent(world, content.getvalue()))["address"])
    assert 120 < image.convert("L").getpixel((5, 5)) < 136  # type: ignore[operator]


async def test_colours_with_a_profile_become_those_of_the_web(world: World) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"none", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"none", b"bXYZ", 1)
    plain = await shown(world, (await sent(world, drawn("PNG", (64, 64))))["address"])
    turned = await shown(world, (await sent(world, drawn("PNG", (64, 64), icc_profile=swapped)))["address"])
    broken = await shown(world, (await sent(world, drawn("PNG", (64, 64), icc_profile=b"nothing")))["address"])
    assert plain.tobytes() == broken.tobytes()
    assert plain.getpixel((0, 0))[0] > 200 > 60 > turned.getpixel((0, 0))[0]  # type: ignore[index]


async def test_what_is_no_picture_is_refused_whatever_it_is_called(world: World) -> None:
    whole = drawn("JPEG", (300, 300))
    gif = drawn("GIF", (10, 10))
    for content in (b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", gif, whole[: len(whole) // 2]):
        assert await refused(world, content) == "send a picture that is whole, as JPEG, PNG or WebP"


@pytest.mark.parametrize("side", [4001, 10_000, 50_000])
async def test_a_small_file_that_is_a_huge_picture_is_refused_undecoded(world: World, side: int) -> None:
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    bomb = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )
    assert "too many pixels" in await refused(world, bomb)


async def test_only_who_changes_products_sends_pictures(world: World) -> None:
    assert (await world.ask("POST", "/pictures", content=b"x")).status_code == 401
    assert (await world.ask("POST", "/pictures", content=b"x", role="user")).status_code == 403


@pytest.mark.parametrize("name", ["x", "0" * 32 + "-320x240.webp", "0" * 32 + "-320x240.svg", "..%2f..%2fetc"])
async def test_what_is_not_there_is_not_found(world: World, name: str) -> None:
    assert (await world.ask("GET", f"/pictures/{name}")).status_code == 404


async def test_the_same_picture_is_kept_once(world: World) -> None:
    content = drawn("PNG", (100, 100))
    assert await sent(world, content) == await sent(world, content)
    assert await world.store.pictures.count({}) == await world.store.picture_files.count({}) == 1


async def test_what_no_product_has_is_removed_after_a_week(world: World) -> None:
    used, unused = await sent(world, drawn("PNG", (100, 100))), await sent(world, drawn("PNG", (700, 100)))
    product = await world.create(images=["https://cdn.example/a.png", used["address"]])
    world.clock.advance(6 * DAY)
    await world.service.pictures.remove_unused()
    await shown(world, unused["address"])
    world.clock.advance(2 * DAY)
    await world.service.pictures.remove_unused()
    for each in unused["sizes"]:
        assert (await world.ask("GET", each["address"])).status_code == 404
    await shown(world, used["address"])

    await world.ask("DELETE", f"/products/{product['id']}", role="admin")
    world.clock.advance(9 * DAY)
    await world.service.pictures.remove_unused()
    await shown(world, used["address"])
    answer = await world.ask("PUT", f"/products/{product['id']}", {"images": []}, role="admin")
    assert answer.status_code == 200
    world.clock.advance(9 * DAY)
    await world.service.pictures.remove_unused()
    assert (await world.ask("GET", used["address"])).status_code == 404
    assert await world.store.pictures.count({}) == await world.store.picture_files.count({}) == 0


async def test_what_is_kept_for_something_else_stays(world: World) -> None:
    content = drawn("PNG", (100, 100))
    for again in ("?keep=true", ""):  # Somebody may send the same one for a product.
        answer = await world.ask("POST", f"/pictures{again}", content=content, role="admin")
        assert answer.status_code == 201
    world.clock.advance(30 * DAY)
    await world.service.pictures.remove_unused()
    await shown(world, answer.json()["picture"]["address"])


async def test_a_picture_that_is_sent_again_is_kept_for_another_week(world: World) -> None:
    content = drawn("PNG", (100, 100))
    picture = await sent(world, content)
    world.clock.advance(7 * DAY)
    await sent(world, content)
    world.clock.advance(2 * DAY)
    await world.service.pictures.remove_unused()
    await shown(world, picture["address"])


async def test_few_wait_and_the_others_are_told_to_come_again(world: World) -> None:
    pictures = [drawn("PNG", (100 + each, 100)) for each in range(MOST_WAITING + 3)]
    answers = await asyncio.gather(*(world.ask("POST", "/pictures", content=each, role="admin") for each in pictures))
    assert [each.status_code for each in answers].count(503) == 2
    assert [each.status_code for each in answers].count(201) == MOST_WAITING + 1
