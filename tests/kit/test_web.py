"""Lists, bodies and refusals over HTTP, the same at every service."""

import asyncio
import re
from contextlib import suppress
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar, Request, Response, get, post
from litestar.params import FromQuery

from kassa.kit.documents import Collection, CollectionSpec, Document, change
from kassa.kit.idempotency import RECORDS, Idempotency
from kassa.kit.lists import CURSOR, decode_cursor, encode_cursor, paging
from kassa.kit.problem import Invalid, NotFound, TooManyRequests, Unauthenticated
from kassa.kit.web import EXCEPTION_HANDLERS, MAX_BODY, JsonResponse, once, read_body, takes
from kassa.storage.documents_sqlite import SqliteDatabase
from tests.support import FakeClock


class Note(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A text."""

    note_text: str


class Wall(msgspec.Struct):
    """What was written on it."""

    notes: list[str]
    statuses: list[int]


@post("/notes", operation_class=takes(Note))
async def write(request: Request[Any, Any, Any]) -> Response[Any]:
    note = await read_body(request, Note)
    wall: Wall = request.app.state["wall"]

    async def work(note_id: str) -> dict[str, str]:
        if note.note_text == "nothing":
            raise NotFound("there is nothing to write")
        wall.notes.append(note.note_text)
        return {"id": note_id}

    return await once(request, "usr_1", wall.statuses.pop, lambda: f"note_{len(wall.notes) + 1}", work)


@get("/refuse")
async def refuse(kind: FromQuery[str]) -> None:
    raise {"busy": TooManyRequests(7), "stranger": Unauthenticated(), "bug": RuntimeError("hunter2")}[kind]


@get("/numbers")
async def numbers(limit: FromQuery[int] = 20) -> Response[Any]:
    return JsonResponse({"limit": paging(limit).limit})


@pytest.fixture
async def app(database: SqliteDatabase, clock: FakeClock) -> Litestar:
    made = Litestar([write, refuse, numbers], exception_handlers=EXCEPTION_HANDLERS, request_max_body_size=MAX_BODY)
    made.state["wall"] = Wall([], [202, 201])
    made.state["idempotency"] = Idempotency(await database.collection(RECORDS), clock, "p", is_alone=True)
    return made


async def send(app: Any, verb: str, path: str, body: bytes | None = None, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test") as http:
        return await http.request(verb, path, content=body, headers=named)


async def test_the_answer_of_a_key_is_replayed_with_its_status(app: Litestar) -> None:
    body = b'{"noteText": "hello"}'
    first = await send(app, "POST", "/notes", body, idempotency_key="k")
    again = await send(app, "POST", "/notes", body, idempotency_key="k")
    assert (first.status_code, first.json(), "idempotent-replayed" in first.headers) == (201, {"id": "note_1"}, False)
    assert (again.status_code, again.json(), again.headers["idempotent-replayed"]) == (201, {"id": "note_1"}, "true")
    assert app.state["wall"].notes == ["hello"]


async def test_a_refusal_is_replayed_as_a_problem(app: Litestar) -> None:
    answers = [await send(app, "POST", "/notes", b'{"noteText": "nothing"}', idempotency_key="k") for _ in range(2)]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert answer.headers["content-type"] == "application/problem+json"
    assert "idempotent-replayed" not in answers[0].headers
    assert answers[1].headers["idempotent-replayed"] == "true"


async def test_without_a_key_each_request_counts(app: Litestar) -> None:
    statuses = [(await send(app, "POST", "/notes", b'{"noteText": "hello"}')).status_code for _ in range(2)]
    assert statuses == [201, 202]
    assert app.state["wall"].notes == ["hello", "hello"]


@pytest.mark.parametrize(
    ("verb", "path", "body", "status", "code"),
    [
        ("POST", "/notes", b"", 400, "malformed_request"),
        ("POST", "/notes", b"{", 400, "malformed_request"),
        ("POST", "/notes", b"{}", 422, "validation_failed"),
        ("POST", "/notes", b"x" * (MAX_BODY + 1), 413, "body_too_large"),
        ("GET", "/nothing", None, 404, "not_found"),
        ("DELETE", "/notes", None, 405, "method_not_allowed"),
        ("TRACE", "/notes", None, 405, "method_not_allowed"),
        ("PROPFIND", "/notes", None, 501, "method_unknown"),
        ("BREW", "/nothing", None, 501, "method_unknown"),
        ("GET", "/numbers?limit=0", None, 422, "validation_failed"),
        ("GET", "/numbers?limit=many", None, 422, "validation_failed"),
        ("GET", "/refuse", None, 422, "validation_failed"),
        ("GET", "/refuse?kind=busy", None, 429, "too_many_requests"),
        ("GET", "/refuse?kind=stranger", None, 401, "unauthenticated"),
        ("GET", "/refuse?kind=bug", None, 500, "internal_error"),
    ],
)
async def test_every_refusal_is_a_problem(
    app: Litestar, verb: str, path: str, body: bytes | None, status: int, code: str
) -> None:
    answer = await send(app, verb, path, body)
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert "hunter2" not in answer.text


async def test_a_refusal_tells_when_and_how_to_ask_again(app: Litestar) -> None:
    assert (await send(app, "GET", "/refuse?kind=busy")).headers["retry-after"] == "7"
    assert (await send(app, "GET", "/refuse?kind=stranger")).headers["www-authenticate"] == "Bearer"


@given(st.text(st.characters(max_codepoint=127)))
def test_a_cursor_comes_back(value: str) -> None:
    cursor = encode_cursor(value)
    assert decode_cursor(cursor) == value
    assert re.fullmatch(CURSOR, cursor)


@given(st.text(min_size=1))
def test_any_cursor_is_read_or_refused(cursor: str) -> None:
    with suppress(Invalid):
        assert isinstance(paging(cursor=cursor).after, str)


@pytest.mark.parametrize(("limit", "skip"), [(0, 0), (101, 0), (-1, 0), (1, -1), (1, 10**10)])
def test_a_page_is_bounded(limit: int, skip: int) -> None:
    with pytest.raises(Invalid):
        paging(limit, skip)


def test_pagination_goes_on_behind_the_last_one_shown() -> None:
    more = paging(2).pagination(5, ["a", "b", "c"], str)
    last = paging(2, 3).pagination(5, ["d", "e"], str)
    assert more.next_cursor is not None
    assert decode_cursor(more.next_cursor) == "b"
    assert (last.total, last.limit, last.skip, last.next_cursor) == (5, 2, 3, None)


class Counter(Document, frozen=True, kw_only=True):
    """Something to be counted up."""

    value: int = 0


async def test_changes_at_the_same_time_are_all_made(database: SqliteDatabase) -> None:
    counters: Collection[Counter] = await database.collection(CollectionSpec("counters", Counter))
    await counters.insert(Counter(id="c"))

    def up(counter: Counter) -> Counter:
        return msgspec.structs.replace(counter, value=counter.value + 1)

    await asyncio.gather(*(change(counters, "c", up) for _ in range(20)))
    found = await change(counters, "c", lambda counter: counter)
    assert found == Counter(id="c", version=21, value=20)
    assert await change(counters, "nobody", up) is None
