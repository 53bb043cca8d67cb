"""docs/api.md: the public endpoints, from the document that `GET /openapi.json` serves, and what stands behind it."""

from http import HTTPStatus
from typing import Any

from generator import schemas
from generator.markdown import code, codes, first_sentence, page, table, unwrapped
from kassa.app.answering import Stopping
from kassa.app.health import NotReady
from kassa.app.web import CONTRACTS, HANDLERS
from kassa.contracts.inventory import ReservationEnded
from kassa.gateway.description import TAGS, described, endpoints_of, refusals_of
from kassa.gateway.proxy import BadGateway, GatewayTimeout
from kassa.kit.access import ACCESS
from kassa.kit.problem import Problem
from kassa.kit.wire import endpoints

INTRODUCTION = """\
Bodies are JSON with camelCase names; a field that is not listed here is refused (422). Send the token of a log-in as
`Authorization: Bearer TOKEN`. Times are RFC 3339, UTC.

**Money** is exact: `price`, `totalAmount` and `amount` are decimal numbers in major units, each beside an integer in
minor units (`priceMinor` and so on) and a lower-case ISO 4217 `currency`. Numbers and strings are taken, and read from
their text.

**Asking again is safe.** Endpoints that say so take an `Idempotency-Key`, kept for 24 hours a user and endpoint: the
same key and body get the same answer with `Idempotent-Replayed: true`, another body is refused.

**Lists** take `limit`, and `cursor` (the `nextCursor` of the page before) or `skip`.

**What is not yours is not there**: somebody else's order is answered 404, as one that does not exist.

The same as a document for programs is at `/openapi.json`, and as a page with an example of each request at `/docs`, of
any running shop. Each process also answers `GET /health` (it is alive) and `GET /ready` (503 names what does not
answer)."""

ERRORS = """\
An error is an RFC 9457 document, `application/problem+json`: `type`, `title`, `status`, `detail`, `requestId`, a
`code` that stays the same for programs, and `errors` with `field` and `message` when fields are wrong."""

INTERNAL = """\
Services ask each other these. From outside they are 404; a service that runs alone answers them to callers with a
signed token of one of the services listed, and 403 to everybody else."""

# One service says it to another, and no more than that.
INSIDE = {ReservationEnded}
_FROM = {
    NotReady: "`GET /ready`",
    Stopping: "any, while the process stops",
    BadGateway: "services form",
    GatewayTimeout: "services form",
}
_WHO = {
    ("post", "/payments/webhook"): "Stripe, known by its signature",
    ("post", "/payments/create-session"): "the order's owner",
}

Operation = dict[str, Any]
PUBLIC = [handler for handlers in HANDLERS.values() for handler in handlers]
ENDPOINTS = {(verb, path): handler for verb, path, handler in endpoints_of(PUBLIC)}
DOCUMENT = described(PUBLIC)
COMPONENTS: dict[str, schemas.Schema] = DOCUMENT["components"]["schemas"]


def made() -> str:
    """The page."""
    found = operations(DOCUMENT)
    sections = []
    for tag, text in TAGS.items():
        mine = [_section(verb, path, each) for verb, path, each in found if each["tags"] == [tag]]
        sections.append("\n\n".join((f"## {text}", *mine)))
    answers = "## What is answered\n\n" + schemas.objects(COMPONENTS, _only_sent(found))
    return page("HTTP API", INTRODUCTION, f"## Errors\n\n{ERRORS}", _general(), *sections, answers, _internal())


def operations(document: dict[str, Any]) -> list[tuple[str, str, Operation]]:
    """Verb, path and description of each endpoint."""
    return [(verb, path, each) for path, verbs in document["paths"].items() for verb, each in verbs.items()]


def _only_sent(found: list[tuple[str, str, Operation]]) -> set[str]:
    """The components of bodies that are sent, and of no answer."""
    bodies = [each.get("requestBody", {}) for *_, each in found]
    answers = [answer for *_, each in found for answer in each["responses"].values()]
    return _parts(bodies) - _parts(answers)


def _parts(messages: list[dict[str, Any]]) -> set[str]:
    contents = [content for each in messages for content in each.get("content", {}).values()]
    return {name for each in contents for name in schemas.parts(each["schema"], COMPONENTS)}


def _section(verb: str, path: str, operation: Operation) -> str:
    handler = ENDPOINTS[verb, path]
    asked = [each for each in operation.get("parameters", []) if each["in"] == "query"]
    query = [(code(each["name"]), schemas.words(each["schema"]), each.get("description", "")) for each in asked]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    takes_key = any(each["name"] == "Idempotency-Key" for each in operation.get("parameters", []))
    parts = [
        f"### {verb.upper()} {path}",
        operation["description"],
        f"For {_who(verb, path)}.{' Takes an `Idempotency-Key`.' if takes_key else ''}",
        table(("Query", "Type", "Meaning"), query),
        schemas.fields(body, COMPONENTS),
        _answers(operation),
        _refusals(refusals_of(handler)),
    ]
    return "\n\n".join(part for part in parts if part)


def _who(verb: str, path: str) -> str:
    if (verb, path) in _WHO:
        return _WHO[verb, path]
    access = ACCESS[f"{verb.upper()} {path}"]
    if access.is_open:
        return "anybody"
    staff = f"who has `{access.permission}`" if access.permission else ""
    owner = "the order's owner" if "{order_id}" in path else "who is logged in"
    return " and ".join(filter(None, (owner if access.is_own else "", staff)))


def _answers(operation: Operation) -> str:
    done = {status: answer for status, answer in operation["responses"].items() if status < "300"}
    told = []
    for status, answer in done.items():
        content = next(iter(answer.get("content", {}).values()), {})
        when = "" if answer["description"] == HTTPStatus(int(status)).phrase else f" ({answer['description']})"
        what = schemas.linked(content["schema"]) if "schema" in content else "and no body"
        told.append(f"{code(status)} {what}{when}")
    return f"Answers {', '.join(told)}."


def _refusals(problems: tuple[type[Problem], ...]) -> str:
    return f"Refuses with {', '.join(f'{problem.status} {code(problem.code)}' for problem in problems)}." * bool(
        problems
    )


def _general() -> str:
    """Every problem that may leave, by status, and the endpoints that it comes from."""
    known = sorted(set(Problem.by_code.values()) - INSIDE, key=lambda each: (each.status, each.code))
    ours = [each for each in known if each.__module__.startswith("kassa.")]
    rows = [(each.status, code(each.code), first_sentence(each.__doc__), _origins(each)) for each in ours]
    return table(("Status", "Code", "When", "From"), rows)


def _origins(problem: type[Problem]) -> str:
    naming = [f"{verb.upper()} {path}" for (verb, path), each in ENDPOINTS.items() if problem in refusals_of(each)]
    is_general = problem.__module__ == Problem.__module__
    return "any" if is_general else codes(naming) or _FROM.get(problem, "any")


def _internal() -> str:
    rows = [
        (
            code(f"{each.mark.verb} {each.mark.path}"),
            codes(f"{caller}-service" for caller in each.mark.callers),
            _promise(contract, each.name),
        )
        for contract in CONTRACTS.values()
        for each in endpoints(contract)
        if each.mark.callers
    ]
    return f"## Between services only\n\n{INTERNAL}\n\n" + table(("Endpoint", "For", "Does"), rows)


def _promise(contract: type, name: str) -> str:
    return unwrapped(getattr(contract, name).__doc__)
