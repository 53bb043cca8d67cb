"""The console's endpoints: where events are sent to, how that goes, a new one, and the end of one."""

from types import MappingProxyType
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kassa.pages.admins import require_staff
from kassa.pages.client import ApiProblem, path_of
from kassa.pages.endpoint_models import EndpointMade, Endpoints, OneEndpoint, Sent
from kassa.pages.sure import Step
from kassa.pages.visit import Visit, Visiting
from kassa.pages.words import trouble

_ADDRESS = "/console/endpoints"
STEPS = MappingProxyType(
    {
        "roll": Step(
            "Make a new secret for {who}?",
            ("The new one is shown once.", "For one day everything is signed with both: switch over within that time."),
            "Make a new secret",
            "",
        ),
        "disable": Step(
            "Send nothing to {who} for now?",
            ("What happens meanwhile waits, as long as events are kept.",),
            "Disable",
            "endpoint-disabled",
        ),
        "enable": Step(
            "Send to {who} again?",
            ("It picks up where it stopped: everything that waits is sent now.",),
            "Enable",
            "endpoint-enabled",
        ),
        "remove": Step(
            "Remove {who}?",
            ("Nothing is sent there any more, and what was waiting is dropped.", "This cannot be undone."),
            "Remove",
            "endpoint-removed",
        ),
    }
)


@get(_ADDRESS, include_in_schema=False)
async def endpoints(visit: Visiting) -> Response[str]:
    await require_staff(visit)
    found = await visit.api.get("/events/endpoints", Endpoints)
    return visit.page("console/endpoints.html", endpoints=found.endpoints)


def _form(visit: Visit, typed: dict[str, str], problem: ApiProblem | None = None) -> Response[str]:
    errors = problem.errors if problem else {}
    wrong = trouble(problem) if problem and not errors else ""
    status = problem.status if problem else 200
    return visit.page("console/endpoint_new.html", status, typed=typed, errors=errors, trouble=wrong)


@get(f"{_ADDRESS}/new", include_in_schema=False)
async def new_endpoint(visit: Visiting) -> Response[str]:
    await require_staff(visit, "POST /events/endpoints")
    return _form(visit, {"url": "", "types": "", "description": ""})


@post(f"{_ADDRESS}/new", include_in_schema=False)
async def make_endpoint(visit: Visiting) -> Response[str]:
    """The answer itself shows the secret: an address to be sent on to would have to keep it."""
    await require_staff(visit)
    typed = {name: visit.field(name).strip() for name in ("url", "types", "description")}
    try:
        made = await visit.api.send(
            "POST", "/events/endpoints", EndpointMade, {**typed, "types": typed["types"].replace(",", " ").split()}
        )
    except ApiProblem as problem:
        if problem.status not in (400, 409, 422):
            raise
        return _form(visit, typed, problem)
    return visit.page("console/endpoint_made.html", 201, endpoint=made.endpoint, secret=made.secret)


@get(f"{_ADDRESS}/{{endpoint_id:str}}", include_in_schema=False)
async def endpoint(visit: Visiting, endpoint_id: FromPath[str]) -> Response[str]:
    await require_staff(visit)
    found = await _found(visit, endpoint_id)
    return visit.page("console/endpoint.html", endpoint=found.endpoint, attempts=found.attempts)


@post(f"{_ADDRESS}/{{endpoint_id:str}}/resend", include_in_schema=False)
async def resend(visit: Visiting, endpoint_id: FromPath[str]) -> Response[str]:
    """An event once more; the page then shows what came of it."""
    await require_staff(visit)
    sent = {"eventId": visit.field("event")}
    await visit.api.send("POST", path_of("events", "endpoints", endpoint_id, "resend"), Sent, sent)
    return visit.redirect(f"{_ADDRESS}/{endpoint_id}")


@post(f"{_ADDRESS}/{{endpoint_id:str}}/{{what:str}}", include_in_schema=False)
async def change_endpoint(visit: Visiting, endpoint_id: FromPath[str], what: FromPath[str]) -> Response[str]:
    """In two steps: what follows is shown first, and only its confirmation does it."""
    await require_staff(visit)
    if what not in STEPS:
        raise ApiProblem(404, "not_found", "There is no such page.")
    back, step = f"{_ADDRESS}/{endpoint_id}", STEPS[what]
    if visit.field("confirmed") != "yes":
        known = await _found(visit, endpoint_id)
        return visit.page("console/sure.html", step=step, who=known.endpoint.url, back=back, what=what, sent={})
    path = path_of("events", "endpoints", endpoint_id)
    if what == "roll":
        made = await visit.api.send("POST", f"{path}/roll", EndpointMade)
        return visit.page("console/endpoint_made.html", endpoint=made.endpoint, secret=made.secret)
    if what == "remove":
        await visit.api.send("DELETE", path, Any)
        return visit.redirect(_ADDRESS, step.note)
    await visit.api.send("PUT", path, OneEndpoint, {"isEnabled": what == "enable"})
    return visit.redirect(back, step.note)


async def _found(visit: Visit, endpoint_id: str) -> OneEndpoint:
    return await visit.api.get(path_of("events", "endpoints", endpoint_id), OneEndpoint)


CONSOLE_ENDPOINTS: tuple[Any, ...] = (endpoints, new_endpoint, make_endpoint, endpoint, resend, change_endpoint)
