"""The public endpoints of where events are sent to."""

from typing import Any

from litestar import Request, Response, delete, get, post, put
from litestar.params import FromPath
from msgspec import UNSET

from kassa.contracts.events import TooManyEndpoints
from kassa.kit.problem import Invalid, NotFound
from kassa.kit.web import JsonResponse, principal_of, read_body, takes
from kassa.outgoing.deliverer import Deliverer
from kassa.outgoing.endpoint_wire import (
    AttemptAnswer,
    EndpointAnswer,
    EndpointChange,
    EndpointOut,
    EndpointsAnswer,
    EndpointWithAttempts,
    EndpointWithSecret,
    NewEndpoint,
    Resend,
    attempt_shown,
    checked,
    endpoint_shown,
)
from kassa.outgoing.endpoints import Endpoints
from kassa.outgoing.store import Endpoint

_CHANGEABLE = EndpointChange.__struct_fields__


@get("/events/endpoints", tags=["events"])
async def endpoints(request: Request[Any, Any, Any]) -> Response[EndpointsAnswer]:
    """Where events are sent to."""
    await principal_of(request)
    found = [await _shown(request, each) for each in await _endpoints(request).all()]
    return JsonResponse(EndpointsAnswer(found), media_type="application/json")


@get("/events/endpoints/{endpoint_id:str}", tags=["events"])
async def one_endpoint(request: Request[Any, Any, Any], endpoint_id: FromPath[str]) -> Response[EndpointWithAttempts]:
    """One endpoint, with what was sent there last."""
    await principal_of(request)
    shown = await _shown(request, await _endpoints(request).one(endpoint_id))
    attempts = [attempt_shown(each) for each in await _endpoints(request).attempts(endpoint_id)]
    return JsonResponse(EndpointWithAttempts(shown, attempts), media_type="application/json")


@post("/events/endpoints", tags=["events"], operation_class=takes(NewEndpoint), refuses=(TooManyEndpoints,))
async def create_endpoint(request: Request[Any, Any, Any]) -> Response[EndpointWithSecret]:
    """Have events sent to an address from now on, signed as Standard Webhooks has it. The secret is told once."""
    await principal_of(request)
    new = await read_body(request, NewEndpoint)
    made, secret = await _endpoints(request).make(new.url, *checked(new.types, new.description))
    answer = EndpointWithSecret(await _shown(request, made), secret)
    return _secretly(JsonResponse(answer, status_code=201, media_type="application/json"))


@put("/events/endpoints/{endpoint_id:str}", tags=["events"], operation_class=takes(EndpointChange, minProperties=1))
async def update_endpoint(request: Request[Any, Any, Any], endpoint_id: FromPath[str]) -> Response[EndpointAnswer]:
    """Replace the given fields. One that is enabled again is told all that it has missed, as long as that is kept."""
    await principal_of(request)
    change = await read_body(request, EndpointChange)
    given: dict[str, Any] = {name: value for name in _CHANGEABLE if (value := getattr(change, name)) is not UNSET}
    if not given:
        raise Invalid("name at least one field to replace")
    types, description = checked(given.get("types", []), given.get("description", ""))
    given |= {"types": types} if "types" in given else {}
    given |= {"description": description} if "description" in given else {}
    changed = await _endpoints(request).edit(endpoint_id, **given)
    return JsonResponse(EndpointAnswer(await _shown(request, changed)), media_type="application/json")


@delete("/events/endpoints/{endpoint_id:str}", tags=["events"], status_code=204)
async def remove_endpoint(request: Request[Any, Any, Any], endpoint_id: FromPath[str]) -> None:
    """Send it nothing any more."""
    await principal_of(request)
    await _endpoints(request).remove(endpoint_id)


@post("/events/endpoints/{endpoint_id:str}/roll", tags=["events"], status_code=200, refuses=(NotFound,))
async def roll_secret(request: Request[Any, Any, Any], endpoint_id: FromPath[str]) -> Response[EndpointWithSecret]:
    """Make a new secret. For a day the former one signs beside it, so that nothing is refused meanwhile."""
    await principal_of(request)
    rolled, secret = await _endpoints(request).roll(endpoint_id)
    answer = EndpointWithSecret(await _shown(request, rolled), secret)
    return _secretly(JsonResponse(answer, media_type="application/json"))


@post("/events/endpoints/{endpoint_id:str}/resend", tags=["events"], status_code=200, operation_class=takes(Resend))
async def resend_event(request: Request[Any, Any, Any], endpoint_id: FromPath[str]) -> Response[AttemptAnswer]:
    """Send an event once more, now, and say what came of it."""
    await principal_of(request)
    event_id = (await read_body(request, Resend)).event_id
    deliverer: Deliverer = request.app.state["deliverer"]
    attempt = await deliverer.send_again(endpoint_id, event_id)
    return JsonResponse(AttemptAnswer(attempt_shown(attempt)), media_type="application/json")


async def _shown(request: Request[Any, Any, Any], endpoint: Endpoint) -> EndpointOut:
    known = _endpoints(request)
    return endpoint_shown(endpoint, await known.waiting(endpoint.id), known.now())


def _secretly(response: Response[EndpointWithSecret]) -> Response[EndpointWithSecret]:
    response.headers["cache-control"] = "no-store"
    return response


def _endpoints(request: Request[Any, Any, Any]) -> Endpoints:
    found: Endpoints = request.app.state["endpoints"]
    return found


HANDLERS = (
    endpoints,
    one_endpoint,
    create_endpoint,
    update_endpoint,
    remove_endpoint,
    roll_secret,
    resend_event,
)
