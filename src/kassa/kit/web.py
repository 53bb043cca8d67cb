"""What every service's routes share: reading bodies, writing answers and problems, who asks, repeated requests.

The only place in the kit that knows the web framework.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qs

import msgspec
import structlog
from litestar import Request, Response, Router, route
from litestar.exceptions import HTTPException, ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import Operation

from kassa.kit.access import ACCESS
from kassa.kit.idempotency import Answer, Idempotency
from kassa.kit.identity import Principal, TokenVerifier
from kassa.kit.ids import Ids
from kassa.kit.problem import FieldError, Invalid, Malformed, MethodNotAllowed, NotFound, Problem, TooLarge, UnknownVerb
from kassa.kit.service_keys import ServiceIdentity
from kassa.kit.wire import Endpoint, arguments_of, decode, encode, endpoints, request_id

MAX_BODY = 1024 * 1024
MOST_OF_PICTURES = 12 * MAX_BODY
"""What cameras make of one picture, or of the few that are sent with one form."""
_TAKES_PICTURES = re.compile(r"/pictures/?|/console/products/[^/]{1,64}/pictures/?")
PROBLEM_JSON = "application/problem+json"
T = TypeVar("T")
log = structlog.get_logger()


def most_bytes(method: str, path: str) -> int:
    """How large the body of a request for this path may be."""
    return MOST_OF_PICTURES if method == "POST" and _TAKES_PICTURES.fullmatch(path) else MAX_BODY


async def read_body(request: Request[Any, Any, Any], kind: type[T]) -> T:
    """The request's body, read strictly. Malformed (400) if it is no JSON, Invalid (422) if it is not a `kind`."""
    return decode(await request.body(), kind)


def takes(kind: type, *, is_optional: bool = False, **limits: Any) -> type[Operation]:
    """For a handler's `operation_class`: the API's description is told that the body is a `kind` within `limits`."""
    return type("Takes", (Operation,), {"kind": kind, "is_optional": is_optional, "limits": limits})


class JsonResponse(Response[T]):
    """An answer in which decimals are exact JSON numbers."""

    def render(self, content: Any, media_type: str, enc_hook: Any = None) -> bytes:
        """The bytes of the body."""
        return content if isinstance(content, bytes) else encode(content) if content is not None else b""


def header(request: Request[Any, Any, Any], name: bytes) -> str | None:
    """A header as it was sent; `request.headers` would decode all of them."""
    return next((value.decode("latin-1") for each, value in request.scope["headers"] if each == name), None)


async def principal_of(request: Request[Any, Any, Any]) -> Principal:
    """Who asks, if the endpoint lets them in; Unauthenticated, Forbidden or SecondFactorMissing else."""
    verifier: TokenVerifier = request.app.state["verifier"]
    principal = await verifier.principal(header(request, b"authorization"))
    access = ACCESS[f"{request.method} {request.scope['path_template']}"]
    if not principal.may_enter(access):
        raise principal.refusal(access)
    return principal


def new_id(request: Request[Any, Any, Any], prefix: str) -> Callable[[], str]:
    """Makes ids with this prefix; only when one is needed."""
    ids: Ids = request.app.state["ids"]
    return lambda: ids.new(prefix)


async def once(
    request: Request[Any, Any, Any],
    user_id: str,
    status: int | Callable[[], int],
    make_id: Callable[[], str],
    work: Callable[[str], Awaitable[Any]],
) -> Response[Any]:
    """Answer `status` with what `work(resource_id)` returns, at most once for the request's Idempotency-Key.

    A status that only the work decides is a function, asked afterwards.
    """

    async def answered(resource_id: str) -> Answer:
        body = encode(await work(resource_id))
        return Answer(status if isinstance(status, int) else status(), body)

    key = header(request, b"idempotency-key")
    if key is None:
        answer = await answered(make_id())
        return JsonResponse(answer.body, status_code=answer.status, media_type="application/json")

    idempotency: Idempotency = request.app.state["idempotency"]
    endpoint = f"{request.method} {request.url.path}"
    answer = await idempotency.run((user_id, endpoint, key), await request.body(), make_id, answered)
    headers = {"Idempotent-Replayed": "true"} if answer.is_replay else {}
    if answer.status < 400:
        return JsonResponse(answer.body, status_code=answer.status, media_type="application/json", headers=headers)
    # A refusal is kept without the name of the request that it answered first.
    problem = msgspec.json.decode(answer.body) | {"requestId": request_id.get()}
    return JsonResponse(encode(problem), status_code=answer.status, media_type=PROBLEM_JSON, headers=headers)


def internal_router(contract: type, service: object, identity: ServiceIdentity, *, has_open: bool = True) -> Router:
    """The contract's endpoints for other services, answered by `service`; Forbidden for everybody else. `has_open`:
    those that anybody may ask as well, where they have no route of their own."""
    handlers = internal_handlers(contract, service, identity, has_open=has_open)
    return Router("/", route_handlers=handlers, include_in_schema=False)


def internal_handlers(
    contract: type, service: object, identity: ServiceIdentity, *, has_open: bool
) -> list[HTTPRouteHandler]:
    """The handlers of that router."""
    asked = [each for each in endpoints(contract) if each.mark.callers or has_open]
    return [_internal_handler(endpoint, service, identity) for endpoint in asked]


def _internal_handler(endpoint: Endpoint, service: object, identity: ServiceIdentity) -> HTTPRouteHandler:
    method, callers = getattr(service, endpoint.name), endpoint.mark.callers

    async def handler(request: Request[Any, Any, Any]) -> Response[Any]:
        if callers:
            identity.check(header(request, b"x-internal-service"), header(request, b"x-internal-token"), callers)
        scope = request.scope
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        answer = await method(**arguments_of(endpoint, scope["path_params"], query, await request.body()))
        return JsonResponse(answer, status_code=200 if answer is not None else 204, media_type="application/json")

    handler.__name__ = f"internal_{endpoint.name}"
    path = endpoint.mark.path.replace("}", ":str}")
    return route(path, http_method=[endpoint.mark.verb], status_code=200)(handler)  # type: ignore[list-item]


def problem_response(problem: Problem) -> Response[Any]:
    """The problem as an RFC 9457 answer. No cache keeps it: it is about this moment, and may hold half a log-in."""
    headers = {"Cache-Control": "no-store"}
    if "retryAfter" in problem.members:
        headers["Retry-After"] = str(problem.members["retryAfter"])
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    document = problem.document(request_id.get())
    return JsonResponse(encode(document), status_code=problem.status, media_type=PROBLEM_JSON, headers=headers)


def on_problem(_request: Request[Any, Any, Any], problem: Problem) -> Response[Any]:
    """Exception handler: a problem of a contract."""
    return problem_response(problem)


def on_validation(_request: Request[Any, Any, Any], error: ValidationException) -> Response[Any]:
    """Exception handler: the framework found the request's parameters or body not to be what a route takes."""
    found = error.extra if isinstance(error.extra, list) else []
    errors = tuple(FieldError(_field(item), str(item.get("message", ""))) for item in found if isinstance(item, dict))
    detail = "; ".join(f"{each.field}: {each.message}" if each.field else each.message for each in errors)
    return problem_response(Invalid(detail or None, errors=errors))


def _field(item: dict[str, Any]) -> str:
    return str(item.get("key", "")).removeprefix("data.").removeprefix("data")


class InternalError(Problem):
    """A bug: the log has it, under the request id."""

    code, title, status = "internal_error", "Something went wrong here; it is logged under the request id", 500


METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"))
WHAT_IS_ALLOWED = "?"
"""The method that no path takes. OPTIONS is asked so: the framework's own answer to it knows the methods of one handler
of a path, its refusal of a method those of all."""


def on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """Exception handler: the framework's own errors as problems."""
    if request.method not in METHODS and request.method != WHAT_IS_ALLOWED:
        return problem_response(UnknownVerb())  # RFC 9110, 15.6.2: of any path
    allow = _allowed(error.headers or {}) if error.status_code == 405 else {}
    if request.method == WHAT_IS_ALLOWED and allow:
        return Response(None, status_code=204, headers=allow)
    by_status: dict[int, Problem] = {
        400: Malformed(error.detail),
        404: NotFound("there is nothing at this path"),
        405: MethodNotAllowed(),
        413: TooLarge(f"send at most {MAX_BODY} bytes"),
    }
    response = problem_response(by_status.get(error.status_code) or InternalError())
    response.headers.update(allow)
    return response


def _allowed(headers: Mapping[str, str]) -> dict[str, str]:
    """The methods that the path takes; HEAD wherever GET is."""
    methods = {each.strip() for each in headers.get("allow", "").split(",")} | {"OPTIONS"}
    return {"Allow": ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))}


def on_bug(_request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Exception handler: whatever nobody expected; logged, never shown."""
    log.exception("unexpected error", exc_info=error)
    return problem_response(InternalError())


EXCEPTION_HANDLERS: dict[Any, Any] = {
    Problem: on_problem,
    ValidationException: on_validation,
    HTTPException: on_http_error,
    Exception: on_bug,
}
