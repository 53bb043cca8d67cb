"""Of the console's form of a product: what it is as goods, and of which family it is a variant."""

from kassa.pages.catalogue_models import Families, FamilyPart, FamilyVariants, Product
from kassa.pages.client import ApiProblem, path_of
from kassa.pages.visit import Visit, number

MOST_OPTIONS = 3
_MOST_FAMILIES = 100
GOODS = ("gtin", "weightGrams", "taxClass", "isDigital", "withdrawalExcluded")
VALUES = tuple(f"option{at}" for at in range(1, MOST_OPTIONS + 1))
"""The fields for what a variant has of the options of its family, in their order."""


def goods_of(product: Product) -> dict[str, str]:
    """What stands in these fields for a product."""
    chosen = [each.value for each in product.option_values]
    return {
        "gtin": product.gtin or "",
        "weightGrams": "" if product.weight_grams is None else str(product.weight_grams),
        "taxClass": product.tax_class,
        "isDigital": "yes" if product.is_digital else "",
        "withdrawalExcluded": product.withdrawal_excluded,
        "familyId": product.family.id if product.family else "",
        **{name: chosen[at] if at < len(chosen) else "" for at, name in enumerate(VALUES)},
    }


async def goods_sent(visit: Visit) -> dict[str, object]:
    """What was typed into them, as the API takes it."""
    weight = visit.field("weightGrams")
    body: dict[str, object] = {
        "gtin": visit.field("gtin") or None,
        "weightGrams": number(weight, -1, most=1_000_000_000) if weight else None,
        "taxClass": visit.field("taxClass") or "standard",
        "isDigital": visit.field("isDigital") == "yes",
        "withdrawalExcluded": visit.field("withdrawalExcluded"),
        "familyId": visit.field("familyId") or None,
    }
    if family_id := visit.field("familyId"):
        # The form cannot know the options of a family that is chosen in it; so their order tells which is which.
        family = (await visit.api.get(path_of("families", family_id), FamilyVariants)).family
        names = [*(option.name for option in family.options), *VALUES]
        typed = [(name, visit.field(field)) for name, field in zip(names, VALUES, strict=False)]
        body["optionValues"] = [{"name": name, "value": value} for name, value in typed if value]
    return body


async def families_known(visit: Visit, product: Product | None) -> list[FamilyPart]:
    """Those that one may choose from, that of the product among them."""
    try:
        answer = await visit.api.get("/families", Families, {"limit": _MOST_FAMILIES})
    except ApiProblem:
        visit.is_partial = True
        return [product.family] if product and product.family else []
    known: list[FamilyPart] = sorted(answer.families, key=_name)
    own = product.family if product else None
    return known if own is None or own.id in {each.id for each in known} else [own, *known]


def _name(family: FamilyPart) -> str:
    return family.name.casefold()
