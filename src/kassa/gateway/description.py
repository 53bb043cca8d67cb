"""The API's own description (OpenAPI 3.1), told from the handlers: what they say, what they call, what they refuse."""

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any, get_args, get_type_hints

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Contact, License, Tag

from kassa import __version__
from kassa.gateway.schemas import Schema, answered, example, sent
from kassa.kit.access import ACCESS, SCOPES
from kassa.kit.idempotency import LONGEST_KEY, KeyInUse, KeyReused
from kassa.kit.lists import CURSOR, FURTHEST, LONGEST_PAGE
from kassa.kit.problem import (
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    Problem,
    SecondFactorMissing,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from kassa.kit.web import PROBLEM_JSON

TAGS = {
    "auth": "Accounts, log-in and tokens",
    "products": "The catalogue",
    "families": "What ties the variants of one thing together: sizes, colours",
    "pictures": "Pictures of products, in the sizes that pages show",
    "inventory": "Stock, how it moved, and being told when something is back",
    "selling": "What an order would cost; where the shop sends to, by which methods; its tax rates",
    "shop": "What the shop is known by: its name, looks, languages, legal pages",
    "discounts": "Discounts, with codes and without",
    "events": "What happened, told to other programs",
    "mails": "What the shop has written to whom",
    "invoices": "Receipts, invoices and credit notes",
    "orders": "Placing, following and cancelling orders",
    "parcels": "What is sent of an order, and what comes back",
    "withdrawals": "Withdrawing from a contract, and what is to be refunded for it",
    "payments": "Paying, refunds, and what Stripe said",
    "security": "Whom to tell of a security hole",
    "system": "How the shop's services are doing",
}
_WEBHOOK = "/payments/webhook"
# What a handler may refuse because of what it calls. What is its own, it names itself: `refuses=`.
_BY_CALL: dict[str, tuple[type[Problem], ...]] = {
    "principal_of": (Unauthenticated, Forbidden),
    "buyer_and_order": (Unauthenticated, Forbidden),
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
_PROBLEM_REF = {"$ref": "#/components/schemas/Problem"}
_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "key": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "kassa_ and 64 hexadecimal digits",
        "description": "An API key, for programs: an administrator makes it, for some of the permissions",
    },
    "stripe": {
        "type": "apiKey",
        "in": "header",
        "name": "Stripe-Signature",
        "description": "Stripe's signature of the body, with the webhook's secret",
    },
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Your name for this request: repeated within 24 hours it does nothing twice.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
}
_REPLAYED = {
    "Idempotent-Replayed": {
        "description": "`true`: this is the answer that the first request with the key was given",
        "schema": {"type": "string", "enum": ["true"]},
    }
}
_RETRY_AFTER = {"Retry-After": {"description": "When to come back, in seconds", "schema": {"type": "integer"}}}
_PARTS_OF_LISTS: dict[str, dict[str, Any]] = {
    "limit": {"description": "How many at most", "schema": {"minimum": 1, "maximum": LONGEST_PAGE}},
    "skip": {"description": "How many to leave out before", "schema": {"minimum": 0, "maximum": FURTHEST}},
    "cursor": {"description": "Where to go on: the `nextCursor` of the page before", "schema": {"pattern": CURSOR}},
}


def described(handlers: Sequence[HTTPRouteHandler], currency: str = "usd") -> dict[str, Any]:
    """The OpenAPI document of these handlers, for a shop that sells in `currency`."""
    config = OpenAPIConfig(
        title="Kassa",
        version=__version__,
        description="The order-to-payment core of a shop. Money is exact: `price` is a decimal number in major "
        "units, `priceMinor` the same in minor units. Log in to get a token, then send it as a Bearer token. A path "
        "that does not take a method answers 405 and names those that it takes in `Allow`.",
        contact=Contact(name="Whoever runs this shop"),
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        tags=[Tag(name=name, description=text) for name, text in TAGS.items()],
        path="/schema",
    )
    app = Litestar(route_handlers=list(handlers), openapi_config=config, logging_config=None, debug=False)
    schema = app.openapi_schema.to_schema()
    paths = {_short(path): operations for path, operations in schema["paths"].items()}
    bodies, answers, components = _schemas(handlers, currency)
    examples: dict[str, Any] = {}
    for method, path, handler in endpoints_of(handlers):
        operation = paths[path][method]
        _complete(operation, method, path, handler)
        if body := body_of(handler):
            taken: Any = handler.operation_class
            content = {"application/json": _with_example({**bodies[body], **taken.limits}, components)}
            operation["requestBody"] = {"required": not taken.is_optional, "content": content}
        if handler.opt.get("takes_bytes"):
            operation["requestBody"] = {"required": True, "content": {"application/octet-stream": {"schema": {}}}}
        done = {
            str(status): _done(handler, status, answers[kind] if kind else None)
            for status, kind in _answers_of(handler).items()
        }
        for answer in done.values():
            for content in answer.get("content", {}).values():
                content.update(_with_example(content["schema"], components))
        problems = _problems(operation, method, path, handler)
        examples |= {problem.code: {"value": problem.example()} for problem in problems}
        operation["responses"] = {**done, **_refusing(problems)}
    parts = {"schemas": components, "examples": examples, "securitySchemes": _SCHEMES}
    return {**schema, "paths": paths, "servers": [{"url": "/"}], "components": parts}


def _schemas(
    handlers: Sequence[HTTPRouteHandler], currency: str
) -> tuple[dict[type, Schema], dict[type, Schema], dict[str, Schema]]:
    """Of what is sent, of what is answered, and what they are made of."""
    bodies, parts_sent = sent({kind for each in handlers if (kind := body_of(each))}, currency)
    answers, parts = answered({kind for each in handlers for kind in _answers_of(each).values() if kind})
    return bodies, answers, {**parts_sent, **parts, "Problem": _PROBLEM}


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


def body_of(handler: HTTPRouteHandler) -> type | None:
    """What the endpoint is sent, if it takes a body."""
    kind: type | None = getattr(handler.operation_class, "kind", None)
    return kind


def _answers_of(handler: HTTPRouteHandler) -> dict[int, type | None]:
    """What the endpoint answers when all is well, by status; None: no body."""
    returned = get_type_hints(handler.fn)["return"]
    first: type | None = get_args(returned)[0] if get_args(returned) else None
    others: dict[int, Any] = {status: each.data_container for status, each in (handler.responses or {}).items()}
    return {handler.status_code: first, **others}


def _done(handler: HTTPRouteHandler, status: int, schema: Schema | None) -> dict[str, Any]:
    said = (handler.responses or {}).get(status)
    answer: dict[str, Any] = {"description": said.description if said else HTTPStatus(status).phrase}
    if "once" in _calls(handler):
        answer["headers"] = _REPLAYED
    if schema:
        kind = "text/plain" if schema == _STRING else "application/json"
        answer["content"] = {kind: {"schema": schema}}
    return answer


def _with_example(schema: Schema, components: dict[str, Schema]) -> dict[str, Any]:
    return {"schema": schema, "example": example(schema, components)}


def _complete(operation: dict[str, Any], method: str, path: str, handler: HTTPRouteHandler) -> None:
    words = " ".join((handler.fn.__doc__ or "").split())
    head, *tail = handler.fn.__name__.split("_")
    operation["tags"] = list(handler.tags or [path.split("/")[1]])
    operation["operationId"] = head + "".join(part.title() for part in tail)
    operation["summary"] = words.partition(". ")[0].removesuffix(".")
    operation["description"] = f"{words}{_needs(method, path)}"
    operation.pop("deprecated", None)
    for parameter in operation.get("parameters", []):
        _tidy(parameter)
    operation["security"] = _security(method, path)
    if "once" in _calls(handler):
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)


def _security(method: str, path: str) -> list[dict[str, list[str]]]:
    """What proves who asks; nothing, if anybody may."""
    if path == _WEBHOOK:
        return [{"stripe": []}]
    access = ACCESS[f"{method.upper()} {path}"]
    if access.is_open:
        return [{"token": []}, {}] if access.is_own else []
    schemes = ("token", "key") if access.permission in SCOPES else ("token",)
    return [{scheme: []} for scheme in schemes]


def _needs(method: str, path: str) -> str:
    """The permission that the endpoint wants, as its description tells it."""
    access = ACCESS[f"{method.upper()} {path}"]
    if access.permission is None or access.is_open:
        return ""
    whose = " for what is another's" if access.is_own else ""
    return f" Needs `{access.permission}`{whose}."


def _tidy(parameter: dict[str, Any]) -> None:
    """Whatever may be left out may not be null as well: a query holds texts. Parts of lists are the same everywhere."""
    for noise in ("deprecated", "allowEmptyValue", "allowReserved"):
        parameter.pop(noise, None)
    schema = parameter["schema"]
    schema.pop("description", None)
    either = [each for each in schema.pop("oneOf", []) if each != {"type": "null"}]
    parameter["schema"] = {**(either[0] if either else {}), **schema}
    known = _PARTS_OF_LISTS.get(parameter["name"])
    if known is not None:
        parameter["description"] = known["description"]
        parameter["schema"] = {**known["schema"], **parameter["schema"]}


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
    if ACCESS[f"{method.upper()} {path}"].permission:
        found.append(SecondFactorMissing)
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
        content = answer.setdefault("content", {PROBLEM_JSON: {"schema": _PROBLEM_REF, "examples": {}}})
        content[PROBLEM_JSON]["examples"][problem.code] = {"$ref": f"#/components/examples/{problem.code}"}
        if problem is TooManyRequests or problem.status == 503:
            answer["headers"] = _RETRY_AFTER
    return answers


def _calls(handler: HTTPRouteHandler) -> tuple[str, ...]:
    """The names that the handler's own code uses."""
    return tuple(handler.fn.__code__.co_names)


def _short(path: str) -> str:
    return path.rstrip("/") or "/"
