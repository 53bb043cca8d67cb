"""JSON Schemas of what is sent and answered, told from the types themselves, each with an example."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec

from kassa.kit.money import EXPONENTS, most_major

Schema: TypeAlias = dict[str, Any]
_REF = "#/components/schemas/"
# What a member is, by its name; everything else is told by its schema. `id` is named after what it identifies.
_EXAMPLES: dict[str, Any] = {
    "amount": Decimal("19.99"),
    "amountMinor": 1999,
    "category": "Kitchen",
    "checkoutUrl": "https://checkout.stripe.com/c/pay/cs_test_a1",
    "city": "Berlin",
    "code": "validation_failed",
    "country": "DE",
    "current": "correct horse battery",
    "currency": "usd",
    "discountCode": "SUMMER",
    "description": "Blue, holds 300 ml.",
    "email": "ada@example.com",
    "home": "DE",
    "gtin": "4006381333931",
    "images": ["/pictures/mug.svg"],
    "locale": "de-AT",
    "name": "Blue mug",
    "nextCursor": None,
    "optionName": "Colour",
    "new": "battery staple correct",
    "objectId": "cs_test_a1",
    "password": "correct horse battery",
    "price": Decimal("19.99"),
    "priceMinor": 1999,
    "priceSnapshot": Decimal("19.99"),
    "priceSnapshotMinor": 1999,
    "percent": 19,
    "postalCode": "10115",
    "quantity": 1,
    "region": "",
    "refunded": Decimal(0),
    "refundedMinor": 0,
    "role": "user",
    "sessionId": "cs_test_a1",
    "stock": 12,
    "zone": "germany",
    "taxClass": "standard",
    "token": "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ1c3JfMDEifQ.c2lnbmF0dXJl",
    "tokenType": "Bearer",
    "totalAmount": Decimal("19.99"),
    "trackingUrl": "https://www.ups.com/track?tracknum=1Z999",
    "totalAmountMinor": 1999,
    "types": ["order.confirmed"],
    "url": "https://integration.example/events",
    "value": "Blue",
    "weightGrams": 350,
}
_LINK = "usr_01kg8v3y6dqz4m2n7r5t9w1x0c.c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0MDA"
_EXAMPLES |= {"linkopenedToken": _LINK, "passwordbylinkToken": _LINK}
_PREFIXES = {
    "order": "ord_", "product": "prd_", "user": "usr_", "payment": "pay_", "refund": "rfd_", "event": "evt_",
    "endpoint": "whk_",
    "family": "pfm_", "familypart": "pfm_",
}  # fmt: skip
_NAMES = {"OptionIn": "optionName", "OptionOut": "optionName", "ValueIn": "optionName", "ValueOut": "optionName"}
_FORMATS = {"date-time": "2026-01-31T09:30:00.250Z", "date": "2026-01-31", "email": "ada@example.com"}
_TYPES: dict[str, Any] = {"string": "text", "integer": 1, "number": 1, "boolean": False, "null": None}


def sent(kinds: Iterable[type], currency: str) -> tuple[dict[type, Schema], dict[str, Schema]]:
    """The schemas of bodies that are sent, and their components. Money is a number or a text, in `currency`."""
    either = {"oneOf": _money(currency)}
    return _schemas(kinds, lambda said: {**said, **either})


def answered(kinds: Iterable[type]) -> tuple[dict[type, Schema], dict[str, Schema]]:
    """The schemas of answers, and their components. Decimals are JSON numbers with all their digits."""
    return _schemas(kinds, lambda said: {**said, "type": "number", "format": "decimal"})


def _schemas(
    kinds: Iterable[type], decimal: Callable[[Schema], Schema]
) -> tuple[dict[type, Schema], dict[str, Schema]]:
    listed = sorted(kinds, key=lambda kind: kind.__name__)
    refs, components = msgspec.json.schema_components(listed, ref_template=_REF + "{name}")

    def told(node: Any) -> Any:
        if isinstance(node, list):
            return [told(each) for each in node]
        if not isinstance(node, dict):
            return node
        # What has a default is taken by generators for what is always there: of what is sent, it need not be.
        said = {name: told(value) for name, value in node.items() if name != "default"}
        if said.get("format") != "decimal":
            return said
        return decimal({name: value for name, value in said.items() if name not in ("type", "format")})

    return dict(zip(listed, refs, strict=True)), {name: told(each) for name, each in components.items()}


def _money(currency: str) -> list[Schema]:
    """An amount of one minor unit or more. How many decimals a number may have is said only where it is none: by
    `multipleOf: 0.01` 19.99 is wrong for programs that read it as a binary float, and that is most of them."""
    most = most_major(currency)
    decimals = min(EXPONENTS[currency], 2)  # The third, where there is one, is 0: card networks take no finer amounts.
    fraction = f"[0-9]{{1,{decimals}}}0*" if decimals else "0+"
    form = rf"^(?!0*(?:\.0*)?$)[0-9]{{1,{len(str(int(most)))}}}(?:\.{fraction})?$"
    number = {"type": "number", "minimum": Decimal(1).scaleb(-decimals), "maximum": most}
    return [
        number if decimals else {**number, "multipleOf": 1},
        {"type": "string", "format": "decimal", "pattern": form},
    ]


def resolved(schema: Schema, components: Mapping[str, Schema]) -> Schema:
    """The schema itself, if this one only refers to it."""
    return components[schema["$ref"].removeprefix(_REF)] if "$ref" in schema else schema


def example(schema: Schema, components: Mapping[str, Schema], name: str = "") -> Any:
    """One value that the schema allows; `name` is that of the member which it is for."""
    schema = resolved(schema, components)
    if "properties" in schema:
        of = schema.get("title", "").removesuffix("Out").removeprefix("New").lower()
        own = {"id": f"{of}Id", "name": _NAMES.get(schema.get("title", ""), "name")}
        own |= {each: name for each in ("code", "token") if (name := f"{of}{each.capitalize()}") in _EXAMPLES}
        names = {each: own.get(each, each) for each in schema["properties"]}
        return {each: example(schema["properties"][each], components, names[each]) for each in names}
    if name in _EXAMPLES and _fits(_EXAMPLES[name], schema):
        return _EXAMPLES[name]
    if "examples" in schema:
        return schema["examples"][0]
    if schema.get("type") == "array":
        return [example(schema["items"], components, name.removesuffix("s"))]
    for either in ("anyOf", "oneOf"):
        if either in schema:
            return example(schema[either][0], components, name)
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        return {}
    if name.endswith("Id") and name.removesuffix("Id") in _PREFIXES:
        return _PREFIXES[name.removesuffix("Id")] + "01kg8v3y6dqz4m2n7r5t9w1x0c"
    return schema.get("default") or _FORMATS.get(schema.get("format", ""), _TYPES.get(schema.get("type", ""), "text"))


def _fits(known: Any, schema: Schema) -> bool:
    """Whether what is known by its name is not against what this very schema says."""
    is_long_enough = not isinstance(known, str) or len(known) >= schema.get("minLength", 0)
    return is_long_enough and known in schema.get("enum", [known])
