"""JSON Schemas, as OpenAPI holds them, in words."""

from collections.abc import Iterator
from typing import Any

from generator.markdown import code, codes, table

Schema = dict[str, Any]

_LIMITS = (
    ("minLength", "maxLength", "characters"),
    ("minimum", "maximum", ""),
    ("minItems", "maxItems", "of them"),
)
_EITHER = [{"type": "number"}, {"type": "string", "format": "decimal"}]


def fields(schema: Schema) -> str:
    """What an object holds, one row a field, those inside it too; empty if it is no object."""
    return table(("Field", "Type", "Meaning"), list(_rows(schema, "")))


def objects(components: dict[str, Schema]) -> str:
    """The answers' objects, each with its fields."""
    named = sorted(name for name, schema in components.items() if "properties" in schema and name != "Problem")
    return "\n\n".join(f"### {name}\n\n{_members(components[name], components)}" for name in named)


def linked(schema: Schema) -> str:
    """A link to the object that the schema refers to; otherwise its type."""
    if "$ref" not in schema:
        return _kind(schema)
    name = _name(schema)
    return f"[{name}](#{name.lower()})"


def words(schema: Schema) -> str:
    """A parameter's type and limits."""
    return ", ".join((_kind(schema), *_limits(schema)))


def _rows(schema: Schema, prefix: str) -> Iterator[tuple[str, str, str]]:
    required = schema.get("required", [])
    for name, inner in schema.get("properties", {}).items():
        optional = [] if name in required else ["optional"]
        said = [str(inner["description"])] if "description" in inner else []
        yield code(prefix + name), ", ".join((_kind(inner), *optional)), "; ".join((*said, *_limits(inner)))
        yield from _rows(inner.get("items", inner), f"{prefix}{name}{'[]' if 'items' in inner else ''}.")


def _members(schema: Schema, components: dict[str, Schema]) -> str:
    members = schema["properties"]
    rows = [(code(name), _member(inner, components)) for name, inner in members.items()]
    return table(("Field", "Type"), rows)


def _member(schema: Schema, components: dict[str, Schema]) -> str:
    if schema.get("type") == "array":
        return f"list of {_member(schema['items'], components)}"
    if "$ref" in schema and "enum" in (meant := components[_name(schema)]):
        return f"one of {codes(meant['enum'])}"
    return linked(schema)


def _kind(schema: Schema) -> str:
    if schema.get("oneOf") == _EITHER:
        return "decimal number or string"
    either = schema.get("anyOf") or schema.get("oneOf")
    if either:
        return " or ".join(_kind(each) for each in either)
    if schema.get("format") == "decimal":
        return "decimal number"
    if "$ref" in schema:
        return linked(schema)
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    if "enum" in schema:
        return f"one of {codes(schema['enum'])}"
    inner = schema.get("additionalProperties")
    if isinstance(inner, dict) and inner:
        return f"object of {_kind(inner)}"
    return str(schema.get("type", "anything"))


def _limits(schema: Schema) -> list[str]:
    found = [_limit(schema.get(least), schema.get(most), of) for least, most, of in _LIMITS]
    found = [limit for limit in found if limit]
    default = schema.get("default")
    return [*found, f"{code(default)} if left out"] if default not in (None, "", [], False) else found


def _limit(least: int | None, most: int | None, of: str) -> str:
    if least is None and most is None:
        return ""
    said = f"at most {most}" if least is None else f"at least {least}" if most is None else f"{least} to {most}"
    return f"{said} {of}".strip()


def _name(schema: Schema) -> str:
    return str(schema["$ref"]).rpartition("/")[2]
