"""A family of shirts, and its variants, in a catalogue."""

from typing import Any

import httpx

from .world import World

COLOURS, SIZES = ["Red", "Blue"], ["S", "M", "L"]
SHIRT = {"name": "Shirt", "options": [{"name": "Colour", "values": COLOURS}, {"name": "Size", "values": SIZES}]}


async def make_family(world: World, **fields: Any) -> dict[str, Any]:
    """A new family, as the wire shows it."""
    answer = await world.ask("POST", "/families", SHIRT | fields, role="admin")
    assert answer.status_code == 201, answer.text
    family: dict[str, Any] = answer.json()["family"]
    return family


def values(colour: str, size: str) -> list[dict[str, str]]:
    """What a shirt has of each option."""
    return [{"name": "Colour", "value": colour}, {"name": "Size", "value": size}]


async def add_variant(world: World, family: dict[str, Any], colour: str, size: str, **fields: Any) -> httpx.Response:
    """The answer to whoever makes this variant."""
    body = {"description": "Linen", "price": 30, "category": "Clothes", "familyId": family["id"]}
    body |= {"optionValues": values(colour, size)}
    return await world.ask("POST", "/products", body | fields, role="admin")


async def variant(world: World, family: dict[str, Any], colour: str, size: str, **fields: Any) -> dict[str, Any]:
    """A new variant, as the wire shows it."""
    answer = await add_variant(world, family, colour, size, **fields)
    assert answer.status_code == 201, answer.text
    product: dict[str, Any] = answer.json()["product"]
    world.clock.advance(1)
    return product


async def change(world: World, path: str, **fields: Any) -> httpx.Response:
    """The answer to whoever replaces these fields."""
    return await world.ask("PUT", path, fields, role="admin")
