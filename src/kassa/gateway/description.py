"""The API's own description (OpenAPI 3.1), told from the handlers: what they say, what they call, what they refuse."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import OpenAPIType, Schema, Tag
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition

from kassa import __version__
from kassa.kit.idempotency import KeyInUse, KeyReused
from kassa.kit.problem import (
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    Problem,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from kassa.kit.web import PROBLEM_JSON

TAGS = {
    "auth": "Accounts, log-in and tokens",
    "products": "The catalogue",
    "inventory": "Stock, and how it moved",
    "orders": "Placing, following and cancelling orders",
    "payments": "Paying, refunds, and what Stripe said",
}
# Anybody may ask these; everything else wants a token.
PUBLIC = {
    ("post", "/auth/register"),
    ("post", "/auth/login"),
    ("post", "/auth/refresh"),
    ("post", "/auth/logout"),
    ("get", "/.well-known/jwks.json"),
    ("get", "/products"),
    ("get", "/products/{product_id}"),
    ("get", "/inventory/{product_id}"),
    ("post", "/payments/webhook"),
}
_WEBHOOK = "/payments/webhook"
# What a handler may refuse because of what it calls. What is its own, it names itself: `refuses=`.
_BY_CALL: dict[str, tuple[type[Problem], ...]] = {
    "principal_of": (Unauthenticated,),
    "admin_of": (Unauthenticated, Forbidden),
    "body": (TooLarge,),
    "once": (TooLarge, KeyInUse, KeyReused, Invalid),
}

_STRING = {"type": "string"}
_PROBLEM = {
    "type": "object",
    "description": "An error (RFC 9457). `code` is stable and meant for programs, `detail` for people.",
    "required": ["type", "title", "status", "detail", "code", "requestId"],
    "properties": {
        **dict.fromkeys(("type", "title", "detail", "code", "requestId"), _STRING),
        "status": {"type": "integer"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": _STRING, "message": _STRING},
            },
        },
    },
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Your name for this request: repeated within 24 hours it does nothing twice.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
_REPLAYED = {
    "Idempotent-Replayed": {
        "description": "`true`: this is the answer that the first request with the key was given",
        "schema": {"type": "string", "enum": ["true"]},
    }
}
_RETRY_AFTER = {"Retry-After": {"description": "When to come back, in seconds", "schema": {"type": "integer"}}}
_PARTS_OF_LISTS: dict[str, dict[str, Any]] = {
    "limit": {"description": "How many at most", "schema": {"minimum": 1, "maximum": 100}},
    "skip": {"description": "How many to leave out before", "schema": {"minimum": 0}},
    "cursor": {"description": "Where to go on: the `nextCursor` of the page before", "schema": {}},
}


class _ExactNumbers(OpenAPISchemaPlugin):
    """Decimals are sent as JSON numbers with all their digits."""

    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        return field_definition.annotation is Decimal

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: Any) -> Schema:
        decimal: Any = "decimal"
        return Schema(type=OpenAPIType.NUMBER, format=decimal)


def described(handlers: Sequence[HTTPRouteHandler]) -> dict[str, Any]:
    """The OpenAPI document of these handlers."""
    config = OpenAPIConfig(
        title="Kassa",
        version=__version__,
        description="The order-to-payment core of a shop. Money is exact: `price` is a decimal number in major "
        "units, `priceMinor` the same in minor units. Log in to get a token, then send it as a Bearer token.",
        tags=[Tag(name=name, description=text) for name, text in TAGS.items()],
        path="/schema",
    )
    app = Litestar(route_handlers=list(handlers), openapi_config=config, plugins=[_ExactNumbers()])
    schema = app.openapi_schema.to_schema()
    paths = {_short(path): operations for path, operations in schema["paths"].items()}
    for method, path, handler in endpoints_of(handlers):
        _complete(paths[path][method], method, path, handler)
    components = schema.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = _PROBLEM
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    return {**schema, "paths": paths, "servers": [{"url": "/"}]}


def endpoints_of(handlers: Iterable[HTTPRouteHandler]) -> list[tuple[str, str, HTTPRouteHandler]]:
    """Method, path and handler of each endpoint, as the document names them."""
    return [
        (method.lower(), _short(path.replace(":str}", "}")), handler)
        for handler in handlers
        for path in handler.paths
        for method in handler.http_methods
        if method != "OPTIONS"
    ]


def refusals_of(handler: HTTPRouteHandler) -> tuple[type[Problem], ...]:
    """What the endpoint refuses for reasons of its own."""
    return tuple(handler.opt.get("refuses", ()))


def _complete(operation: dict[str, Any], method: str, path: str, handler: HTTPRouteHandler) -> None:
    first = path.split("/")[1]
    words = " ".join((handler.fn.__doc__ or "").split())
    head, *tail = handler.fn.__name__.split("_")
    operation["tags"] = [first if first in TAGS else "auth"]
    operation["operationId"] = head + "".join(part.title() for part in tail)
    operation["summary"] = words.partition(". ")[0].removesuffix(".")
    operation["description"] = words
    for parameter in operation.get("parameters", []):
        _tidy(parameter)
    if (method, path) not in PUBLIC:
        operation["security"] = [{"token": []}]
    responses = operation["responses"]
    responses.pop("400", None)
    for status, response in responses.items():
        if int(status) not in (handler.responses or {}):
            response["description"] = HTTPStatus(int(status)).phrase
    if "once" in _calls(handler):
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
        for response in responses.values():
            response["headers"] = _REPLAYED
    responses.update(_refusing(_problems(operation, method, path, handler)))


def _tidy(parameter: dict[str, Any]) -> None:
    """Whatever may be left out may not be null as well: a query holds texts. Parts of lists are the same everywhere."""
    for noise in ("deprecated", "allowEmptyValue", "allowReserved"):
        parameter.pop(noise, None)
    schema = parameter["schema"]
    either = [each for each in schema.pop("oneOf", []) if each != {"type": "null"}]
    parameter["schema"] = {**(either[0] if either else {}), **schema}
    known = _PARTS_OF_LISTS.get(parameter["name"])
    if known is not None:
        parameter["description"] = known["description"]
        parameter["schema"].update(known["schema"])


def _problems(operation: dict[str, Any], method: str, path: str, handler: HTTPRouteHandler) -> list[type[Problem]]:
    """All that may be refused there, each once."""
    found = [*refusals_of(handler)]
    for call in _calls(handler):
        found += _BY_CALL.get(call, ())
    if "requestBody" in operation:
        found += [Malformed, TooLarge, Invalid]
    kinds = {parameter["in"] for parameter in operation.get("parameters", [])}
    if "query" in kinds:
        found.append(Invalid)
    if "path" in kinds and all(problem.status != NotFound.status for problem in found):
        found.append(NotFound)
    # A token that is not good is refused also where none is needed.
    if method == "get" and path.split("/")[1] in TAGS:
        found.append(Unauthenticated)
    if path != _WEBHOOK:
        found.append(TooManyRequests)
    return sorted({*found, Unavailable}, key=lambda each: (each.status, each.code))


def _refusing(problems: list[type[Problem]]) -> dict[str, Any]:
    """The answers that these problems are, by status."""
    answers: dict[str, Any] = {}
    for problem in problems:
        said = f"`{problem.code}`: {problem.title}"
        answer = answers.setdefault(str(problem.status), {"description": ""})
        answer["description"] = "; ".join(filter(None, (answer["description"], said)))
        answer["content"] = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        if problem is TooManyRequests:
            answer["headers"] = _RETRY_AFTER
    return answers


def _calls(handler: HTTPRouteHandler) -> tuple[str, ...]:
    """The names that the handler's own code uses."""
    names: tuple[str, ...] = handler.fn.__code__.co_names
    return names


def _short(path: str) -> str:
    return path.rstrip("/") or "/"
