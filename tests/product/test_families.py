"""Families, and products as their variants."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kassa.kit.clock import SECOND, rfc3339
from kassa.kit.ids import is_id
from kassa.product.families import MOST_VARIANTS
from tests.storage.worlds import DATABASES

from .family_world import SHIRT, add_variant, change, make_family, values, variant
from .world import World


@pytest.fixture(params=DATABASES)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """An empty catalogue, on each store."""
    async with DATABASES[request.param](tmp_path) as database:
        world = await World.on(database)
        yield world
        await world.outbox.settle()


async def test_a_family_is_made_and_found(world: World) -> None:
    family = await make_family(world)
    made_at = rfc3339(world.clock.now())
    assert is_id("pfm", family["id"])
    assert family == {"id": family["id"], **SHIRT, "createdAt": made_at, "updatedAt": made_at}
    answer = (await world.ask("GET", f"/families/{family['id']}")).json()
    assert answer == {"family": family, "variants": []}
    listed = (await world.ask("GET", "/families")).json()
    assert listed == {
        "families": [family],
        "pagination": {"total": 1, "limit": 20, "skip": 0, "nextCursor": None},
    }


async def test_a_variant_is_a_product_that_tells_its_family_and_its_values(world: World) -> None:
    family = await make_family(world)
    red = await variant(world, family, "Red", "M", stock=3, sku="S-RM")
    assert red["name"] == "Shirt, Red, M"
    assert red["family"] == {"id": family["id"], **SHIRT}
    assert red["optionValues"] == values("Red", "M")
    assert (red["stock"], red["sku"]) == (3, "S-RM")
    assert (await world.ask("GET", f"/products/{red['id']}")).json()["product"] == red
    assert (await world.ask("GET", "/products")).json()["products"] == [red]
    (snapshot,) = await world.service.snapshot([red["id"]])
    assert (snapshot.name, snapshot.price_minor) == ("Shirt, Red, M", 3000)


async def test_variants_are_shown_in_the_order_of_the_values(world: World) -> None:
    family = await make_family(world)
    for colour, size in (("Blue", "S"), ("Red", "L"), ("Red", "S"), ("Blue", "M")):
        await variant(world, family, colour, size)
    gone = await variant(world, family, "Red", "M")
    await world.ask("DELETE", f"/products/{gone['id']}", role="admin")
    shown = (await world.ask("GET", f"/families/{family['id']}")).json()["variants"]
    assert [each["name"] for each in shown] == ["Shirt, Red, S", "Shirt, Red, L", "Shirt, Blue, S", "Shirt, Blue, M"]


async def test_values_may_be_sent_in_any_order_and_a_variant_may_have_a_name_of_its_own(world: World) -> None:
    family = await make_family(world)
    made = await variant(world, family, "", "", optionValues=values(" Blue", "L")[::-1], name="The blue one")
    assert (made["name"], made["optionValues"]) == ("The blue one", values("Blue", "L"))


@pytest.mark.parametrize(
    ("fields", "field", "told"),
    [
        ({"optionValues": values("Green", "M")}, "optionValues", "'Green' is no value of Colour; they are Red, Blue"),
        ({"optionValues": values("Red", "M")[:1]}, "optionValues", "must have a value of Size"),
        ({"optionValues": []}, "optionValues", "must have a value of Colour"),
        ({"optionValues": values("Red", "M")[:1] * 2}, "optionValues", "one value of each option"),
        ({"optionValues": [{"name": "Cut", "value": "Slim"}]}, "optionValues", "'Cut' is no option of Shirt"),
        ({"optionValues": "Red"}, "optionValues", "array"),
        ({"familyId": "pfm_0123456789abcdefghjkmnpqrs"}, "familyId", "there is no family"),
        ({"familyId": "x"}, "familyId", "there is no family"),
        ({"familyId": None}, "familyId", "null"),
        ({"name": ""}, "name", "is missing"),
    ],
)
async def test_what_is_wrong_with_a_variant_is_named(
    world: World, fields: dict[str, Any], field: str, told: str
) -> None:
    family = await make_family(world)
    answer = await add_variant(world, family, "Red", "M", **fields)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["field"], told in error["message"]) == (field, True), error
    assert (await world.ask("GET", "/products")).json()["products"] == []


async def test_what_is_of_no_family_has_a_name_and_no_values(world: World) -> None:
    body = {"description": "", "price": 1, "category": "Tea"}
    for fields, field in (({}, "name"), ({"name": "Tea", "optionValues": values("Red", "M")}, "optionValues")):
        answer = await world.ask("POST", "/products", body | fields, role="admin")
        assert (answer.status_code, [each["field"] for each in answer.json()["errors"]]) == (422, [field])
    assert (await world.ask("POST", "/products", body | {"name": "Tea", "optionValues": []}, role="admin")).is_success


async def test_no_two_variants_have_the_same_values_not_even_withdrawn_or_at_once(world: World) -> None:
    family = await make_family(world)
    answers = await asyncio.gather(*(add_variant(world, family, "Red", "M") for _ in range(3)))
    assert sorted(each.status_code for each in answers) == [201, 409, 409]
    (red,) = (each.json()["product"] for each in answers if each.status_code == 201)
    for answer in answers:
        if answer.status_code == 409:
            assert (answer.json()["code"], answer.json()["productId"]) == ("variant_taken", red["id"])
    await world.ask("DELETE", f"/products/{red['id']}", role="admin")
    assert (await add_variant(world, family, "Red", "M")).json()["code"] == "variant_taken"

    blue = await variant(world, family, "Blue", "M")
    refused = await change(world, f"/products/{blue['id']}", optionValues=values("Red", "M"))
    assert (refused.status_code, refused.json()["productId"]) == (409, red["id"])
    other = await make_family(world, name="Polo")
    assert (await add_variant(world, other, "Red", "M")).status_code == 201


async def test_an_sku_that_is_taken_is_told_of_a_variant_too(world: World) -> None:
    family = await make_family(world)
    await variant(world, family, "Red", "M", sku="S-1")
    answer = await add_variant(world, family, "Red", "L", sku="S-1")
    assert (answer.status_code, answer.json()["code"]) == (409, "sku_taken")


async def test_a_product_enters_a_family_changes_its_values_and_leaves(world: World) -> None:
    family, product = await make_family(world), await world.create(name="Red shirt")
    path = f"/products/{product['id']}"
    assert (await change(world, path, familyId=family["id"])).status_code == 422
    entered = (await change(world, path, familyId=family["id"], optionValues=values("Red", "S"))).json()["product"]
    assert (entered["name"], entered["optionValues"]) == ("Red shirt", values("Red", "S"))
    moved = (await change(world, path, optionValues=values("Red", "M"))).json()["product"]
    assert moved["optionValues"] == values("Red", "M")
    same = (await change(world, path, familyId=family["id"], price=31)).json()["product"]
    assert (same["optionValues"], same["price"]) == (values("Red", "M"), 31)
    left = (await change(world, path, familyId=None)).json()["product"]
    assert (left["family"], left["optionValues"]) == (None, [])
    assert (await add_variant(world, family, "Red", "M")).status_code == 201


async def test_a_change_of_the_family_shows_at_once_in_all_its_variants(world: World) -> None:
    family = await make_family(world)
    red = await variant(world, family, "Red", "M")
    options = [{"name": "Color", "values": ["Blue", "Red", "Green"]}, SHIRT["options"][1]]
    answer = await change(world, f"/families/{family['id']}", name="Linen shirt", options=options)
    assert answer.status_code == 200
    shown = (await world.ask("GET", f"/products/{red['id']}")).json()["product"]
    assert shown["family"] == {"id": family["id"], "name": "Linen shirt", "options": options}
    assert shown["optionValues"][0] == {"name": "Color", "value": "Red"}
    assert shown["name"] == "Shirt, Red, M"
    (listed,) = (await world.ask("GET", "/products?collapse=family")).json()["products"]
    assert listed["family"]["name"] == "Linen shirt"


@pytest.mark.parametrize("is_on_sale", [True, False])
async def test_what_a_variant_needs_is_not_taken_from_its_family(world: World, is_on_sale: bool) -> None:
    family = await make_family(world)
    red = await variant(world, family, "Red", "M")
    if not is_on_sale:
        await world.ask("DELETE", f"/products/{red['id']}", role="admin")
    colour, size = SHIRT["options"]
    for options in ([colour], [size, colour], [{"name": "Colour", "values": ["Blue"]}, size]):
        answer = await change(world, f"/families/{family['id']}", options=options)
        assert (answer.status_code, answer.json()["code"]) == (409, "option_in_use")
        assert answer.json()["productId"] == red["id"]
    without_large = [colour, {"name": "Size", "values": ["S", "M"]}]
    assert (await change(world, f"/families/{family['id']}", options=without_large)).status_code == 200
    await change(world, f"/products/{red['id']}", familyId=None)
    assert (await change(world, f"/families/{family['id']}", options=[colour])).status_code == 200


@pytest.mark.parametrize(
    ("fields", "field", "told"),
    [
        ({"name": " "}, "name", "is missing"),
        ({"name": "x" * 201}, "name", "is too long"),
        ({"options": []}, "options", "must be 1 to 3"),
        ({"options": [{"name": str(n), "values": ["a"]} for n in range(4)]}, "options", "must be 1 to 3"),
        ({"options": [{"name": "", "values": ["a"]}]}, "options", "number 1 has a name that is missing"),
        ({"options": [{"name": "Size", "values": []}]}, "options", "Size must have 1 to 100 values"),
        ({"options": [{"name": "Size", "values": ["M", "m "]}]}, "options", "Size has the value 'm' twice"),
        ({"options": [{"name": "Size", "values": ["M\nL"]}]}, "options", "Size has a value that must be one line"),
        ({"options": [{"name": "Size", "values": ["x" * 101]}]}, "options", "Size has a value that is too long"),
        ({"options": [{"name": each, "values": ["a"]} for each in ("Size", "size")]}, "options", "'size' twice"),
        ({"options": [{"name": "Size", "values": [str(n) for n in range(101)]}]}, "options", "1 to 100 values"),
        ({"colour": "Red"}, "colour", "unknown field"),
    ],
)
async def test_what_is_wrong_with_a_family_is_named(
    world: World, fields: dict[str, Any], field: str, told: str
) -> None:
    known = await make_family(world, name="Known")
    for answer in (
        await world.ask("POST", "/families", SHIRT | fields, role="admin"),
        await change(world, f"/families/{known['id']}", **fields),
    ):
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert (error["field"], told in error["message"]) == (field, True), error


async def test_no_two_families_have_one_name(world: World) -> None:
    shirt, polo = await make_family(world), await make_family(world, name="Polo")
    answer = await world.ask("POST", "/families", SHIRT | {"name": "Shirt\u200b "}, role="admin")
    assert (answer.status_code, answer.json()["code"]) == (409, "family_name_taken")
    assert answer.json()["familyId"] == shirt["id"]
    renamed = await change(world, f"/families/{polo['id']}", name="Shirt")
    assert (renamed.status_code, renamed.json()["familyId"]) == (409, shirt["id"])


async def test_who_has_read_an_older_family_does_not_overwrite_it(world: World) -> None:
    family = await make_family(world)
    path = f"/families/{family['id']}"
    world.clock.advance(SECOND)
    assert (await change(world, path, name="Polo", expectedUpdatedAt=family["updatedAt"])).status_code == 200
    answer = await change(world, path, name="Blouse", expectedUpdatedAt=family["updatedAt"])
    assert (answer.status_code, answer.json()["code"]) == (409, "family_changed")
    assert (await change(world, path, expectedUpdatedAt=family["updatedAt"])).status_code == 422


async def test_asked_twice_with_one_key_a_family_is_made_once(world: World) -> None:
    first = await world.ask("POST", "/families", SHIRT, role="admin", key="k-1")
    again = await world.ask("POST", "/families", SHIRT, role="admin", key="k-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert len((await world.ask("GET", "/families")).json()["families"]) == 1


async def test_only_who_may_change_the_catalogue_changes_families(world: World) -> None:
    family = await make_family(world)
    for method, path in (("POST", "/families"), ("PUT", f"/families/{family['id']}")):
        assert (await world.ask(method, path, SHIRT)).status_code == 401
        assert (await world.ask(method, path, SHIRT, role="user")).status_code == 403


@pytest.mark.parametrize("family_id", ["pfm_0123456789abcdefghjkmnpqrs", "x", "%00", "🫖"])
async def test_an_unknown_family_is_404(world: World, family_id: str) -> None:
    assert (await world.ask("GET", f"/families/{family_id}")).status_code == 404
    assert (await change(world, f"/families/{family_id}", name="Polo")).status_code == 404


async def test_each_change_of_a_family_has_an_entry_in_its_audit(world: World) -> None:
    family = await make_family(world)
    for _ in range(2):
        await change(world, f"/families/{family['id']}", name="Polo")
    stored = await world.store.families.get(family["id"])
    assert stored is not None
    assert [(each.what, each.who) for each in stored.audit] == [("created", "usr_admin"), ("edited", "usr_admin")]


async def test_a_family_that_is_full_takes_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_VARIANTS == 500
    monkeypatch.setattr("kassa.product.family_service.MOST_VARIANTS", 2)
    family = await make_family(world)
    await variant(world, family, "Red", "S")
    gone = await variant(world, family, "Red", "M")
    await world.ask("DELETE", f"/products/{gone['id']}", role="admin")
    answer = await add_variant(world, family, "Red", "L")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "familyId")


async def test_making_a_family_that_is_there_already_answers_that_one(world: World) -> None:
    family = await make_family(world)
    stored = await world.store.families.get(family["id"])
    assert stored is not None
    again = await world.service.families.create(
        family["id"], {"name": "Polo", "options": stored.options}, world.service.cause("usr_admin", "created")
    )
    assert msgspec.structs.asdict(again) == msgspec.structs.asdict(stored)
