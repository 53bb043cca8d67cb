"""The public endpoints of outgoing events: fetching them, and having them kept."""

from typing import Annotated, Any

from litestar import Request, Response, get, put
from litestar.params import FromQuery, QueryParameter

from kassa.contracts.events import EventsGone, FeedInUse
from kassa.kit.lists import paging
from kassa.kit.problem import Invalid
from kassa.kit.web import JsonResponse, principal_of, read_body, takes
from kassa.outgoing import endpoint_routes
from kassa.outgoing.service import EventsService
from kassa.outgoing.wire import TYPES, FeedAnswer, FeedIn, FeedPage, feed_shown, shown

FURTHEST = 2**53 - 1
"""RFC 8259, 6: whole numbers that all programs read alike."""
MOST_NAMED = 1000
_LISTED = f"^({'|'.join(TYPES)})(,({'|'.join(TYPES)}))*$".replace(".", r"\.")


@get("/events", tags=["events"], refuses=(EventsGone,))
async def events(
    request: Request[Any, Any, Any],
    after: Annotated[int, QueryParameter(schema_extra={"minimum": 0, "maximum": FURTHEST})] = 0,
    limit: FromQuery[int] = 100,
    types: Annotated[str | None, QueryParameter(schema_extra={"pattern": _LISTED, "maxLength": MOST_NAMED})] = None,
) -> Response[FeedPage]:
    """What happened, in order: events behind a position, which is the `after` of the answer before; 0 at first. Nothing
    is passed over, however many write at the same time. `types` are some of them, comma-separated."""
    await principal_of(request)
    if not 0 <= after <= FURTHEST:
        raise Invalid.field("after", f"must be from 0 to {FURTHEST}")
    page = await _service(request).read(after, paging(limit).limit, named(types))
    answer = FeedPage([shown(event) for event in page.events], page.after, page.is_last)
    return JsonResponse(answer, media_type="application/json")


@get("/events/feed", tags=["events"])
async def feed(request: Request[Any, Any, Any]) -> Response[FeedAnswer]:
    """Whether events are kept."""
    await principal_of(request)
    service = _service(request)
    return _shown((await service.listening()).since, await service.log.end())


@put("/events/feed", tags=["events"], operation_class=takes(FeedIn), refuses=(FeedInUse,))
async def switch_feed(request: Request[Any, Any, Any]) -> Response[FeedAnswer]:
    """Have events kept from now on, so that they can be fetched, or not any more. What happened more than
    five minutes before is not told."""
    await principal_of(request)
    given = await read_body(request, FeedIn)
    service = _service(request)
    return _shown((await service.listen(is_on=given.is_on)).since, await service.log.end())


def named(types: str | None) -> tuple[str, ...]:
    """The types that a list names; Invalid if one of them is none."""
    if types is None:
        return ()
    listed = tuple(dict.fromkeys(types[:MOST_NAMED].split(",")))
    if unknown := [each for each in listed if each not in TYPES]:
        raise Invalid.field("types", f"{unknown[0][:64]} is none; there are {', '.join(TYPES)}")
    return listed


def _shown(since: int | None, position: int) -> Response[FeedAnswer]:
    return JsonResponse(FeedAnswer(feed_shown(since, position)), media_type="application/json")


def _service(request: Request[Any, Any, Any]) -> EventsService:
    service: EventsService = request.app.state["events"]
    return service


HANDLERS = (events, feed, switch_feed, *endpoint_routes.HANDLERS)
