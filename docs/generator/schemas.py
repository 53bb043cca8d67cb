"""JSON Schemas, as OpenAPI holds them, in words."""

from collections.abc import Iterator
from typing import Any

from generator.markdown import code, codes, table
from kassa.gateway.schemas import resolved

Schema = dict[str, Any]

_LIMITS = (
    ("minLength", "maxLength", "characters"),
    ("minimum", "maximum", ""),
    ("minItems", "maxItems", "of them"),
)


def fields(schema: Schema, components: dict[str, Schema]) -> str:
    """What an object holds, one row a field, those inside it too; empty if it is no object."""
    return table(("Field", "Type", "Meaning"), list(_rows(schema, components, "")))


def objects(components: dict[str, Schema], sent: set[str]) -> str:
    """The answers' objects, each with its fields; those that are `sent` are shown where they are."""
    hidden = {"Problem", *sent}
    named = sorted(name for name, schema in components.items() if "properties" in schema and name not in hidden)
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


def parts(schema: Schema, components: dict[str, Schema]) -> set[str]:
    """The names of the components that the schema refers to, and of those that they do."""
    if "$ref" not in schema:
        items = [schema["items"]] if "items" in schema else []
        inner = [*items, *schema.get("properties", {}).values(), *schema.get("anyOf", [])]
        return {name for each in inner for name in parts(each, components)}
    return {_name(schema)} | parts(components[_name(schema)], components)


def _rows(schema: Schema, components: dict[str, Schema], prefix: str) -> Iterator[tuple[str, str, str]]:
    schema = resolved(schema, components)
    required = schema.get("required", [])
    for name, referred in schema.get("properties", {}).items():
        inner = _there(resolved(referred, components), components)
        if "items" in inner:
            inner = {**inner, "items": resolved(inner["items"], components)}
        optional = [] if name in required else ["optional"]
        said = [str(inner["description"])] if "description" in inner else []
        yield code(prefix + name), ", ".join((_kind(inner), *optional)), "; ".join((*said, *_limits(inner)))
        below = f"{prefix}{name}{'[]' if 'items' in inner else ''}."
        yield from _rows(inner.get("items", inner), components, below)


def _there(schema: Schema, components: dict[str, Schema]) -> Schema:
    """Of an object that need not be there, the object."""
    named = [each for each in schema.get("anyOf", []) if "$ref" in each]
    return {**resolved(named[0], components), "description": schema.get("description", "")} if named else schema


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
    if any(each.get("format") == "decimal" for each in schema.get("oneOf", [])):
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
    kinds = schema.get("type", "anything")
    return kinds if isinstance(kinds, str) else " or ".join(kinds)


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
