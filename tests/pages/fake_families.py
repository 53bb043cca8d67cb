"""The fake shop's families: what the pages ask of them."""

from typing import Any

from litestar import Response, get, post, put
from litestar.params import FromPath

from tests.pages.fake_asking import Ask, admin_of, body_of, listed, shop_of
from tests.pages.fake_shop import NOW, FakeShop, Json, Refused, answer


def add_family(shop: FakeShop, name: str, **options: list[str]) -> str:
    """A new family with these options; its id."""
    family_id = f"pfm_{next(shop.numbers):026d}"
    shown = [{"name": option, "values": values} for option, values in options.items()]
    shop.families[family_id] = {"id": family_id, "name": name, "options": shown, "createdAt": NOW, "updatedAt": NOW}
    return family_id


def add_variant(shop: FakeShop, family_id: str, *values: str, **more: Any) -> str:
    """A new variant with one value of each option; its id."""
    family = shop.families[family_id]
    chosen = [{"name": option["name"], "value": value} for option, value in zip(family["options"], values, strict=True)]
    part = {name: family[name] for name in ("id", "name", "options")}
    return shop.add(", ".join((family["name"], *values)), family=part, optionValues=chosen, **more)


def variants_of(shop: FakeShop, family_id: str) -> list[Json]:
    """Those on sale."""
    on_sale = (each for each in shop.products.values() if each["isActive"])
    return [each for each in on_sale if (each.get("family") or {}).get("id") == family_id]


def variant_like(shop: FakeShop, body: Json, product: Json) -> Json | None:
    """Another product that is the variant which a body asks for."""
    others = (each for each in variants_of(shop, str(body.get("familyId"))) if each is not product)
    return next((each for each in others if each["optionValues"] == body.get("optionValues")), None)


def collapsed(shop: FakeShop, products: list[Json]) -> list[Json]:
    """Each family once, as the first of these products."""
    found: dict[str, Json] = {}
    for product in products:
        if not (family := product.get("family")):
            found[product["id"]] = product
            continue
        costs = [each["priceMinor"] for each in variants_of(shop, family["id"])]
        summary = {"variants": len(costs), "priceRange": {"minMinor": min(costs), "maxMinor": max(costs)}}
        found.setdefault(family["id"], product | summary)
    return list(found.values())


@get("/families")
async def families(request: Ask) -> Response[bytes]:
    return listed(request, "families", list(shop_of(request).families.values()))


@get("/families/{family_id:str}")
async def one_family(request: Ask, family_id: FromPath[str]) -> Response[bytes]:
    shop = shop_of(request)
    if family_id not in shop.families:
        raise Refused(404, "not_found", "no such family")
    return answer({"family": shop.families[family_id], "variants": variants_of(shop, family_id)})


@post("/families")
async def create_family(request: Ask) -> Response[bytes]:
    admin_of(request)
    shop, body = shop_of(request), body_of(request)
    if not body["name"]:
        raise Refused(422, "validation_failed", "x", errors=[{"field": "name", "message": "is missing"}])
    family_id = add_family(shop, body["name"])
    shop.families[family_id] |= {"options": body["options"]}
    return answer({"family": shop.families[family_id]}, 201)


@put("/families/{family_id:str}")
async def change_family(request: Ask, family_id: FromPath[str]) -> Response[bytes]:
    admin_of(request)
    shop, body = shop_of(request), body_of(request)
    body.pop("expectedUpdatedAt", None)
    for variant in variants_of(shop, family_id):
        for option, chosen in zip(body["options"], variant["optionValues"], strict=True):
            if chosen["value"] not in option["values"]:
                raise Refused(409, "option_in_use", f"product {variant['id']} has the value {chosen['value']!r}")
    shop.families[family_id] |= body
    return answer({"family": shop.families[family_id]})


FAMILY_ROUTES: tuple[Any, ...] = (families, one_family, create_family, change_family)
