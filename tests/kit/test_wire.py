# mypy: disable-error-code="type-abstract"
"""JSON is read strictly, and what is wrong is named; calls arrive as they were made."""

import json
import string
from contextlib import suppress
from decimal import Decimal
from typing import Any, Protocol
from urllib.parse import unquote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kassa.kit.problem import FieldError, Invalid, Malformed, NotFound, Unavailable
from kassa.kit.wire import Endpoint, arguments_of, connect, convert, decode, encode, endpoints, get, patch, post

SAFE = set(string.ascii_letters + string.digits + "%-_~")


class Line(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    product_id: str
    quantity: int


class Body(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    lines: list[Line]
    total_amount: Decimal = Decimal(0)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("{}", "lines"),
        ('{"lines": 1}', "lines"),
        ('{"lines": [], "colour": 1}', "colour"),
        ('{"lines": [], "total_amount": 1}', "total_amount"),
        ('{"lines": [], "totalAmount": "ten"}', "totalAmount"),
        ('{"lines": [], "totalAmount": []}', "totalAmount"),
        ('{"lines": [{"productId": "a", "quantity": "1"}]}', "lines[0].quantity"),
        ('{"lines": [{"productId": "a", "quantity": 1.5}]}', "lines[0].quantity"),
        ('{"lines": [{"productId": "a", "quantity": true}]}', "lines[0].quantity"),
        ('{"lines": [{"productId": "a", "quantity": null}]}', "lines[0].quantity"),
        ('{"lines": [{"productId": "a"}]}', "lines[0].quantity"),
        ('{"lines": [{"productId": "a", "quantity": 1, "colour": 2}]}', "lines[0].colour"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(body: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        decode(body.encode(), Body)
    assert refused.value.errors[0].field == field
    assert refused.value.detail.startswith(f"{field}: ")
    assert refused.value.status == 422


@pytest.mark.parametrize("body", ["[]", "null", '"text"', "7"])
def test_another_kind_of_document_is_invalid(body: str) -> None:
    with pytest.raises(Invalid) as refused:
        decode(body.encode(), Body)
    assert refused.value.errors == (FieldError("", refused.value.detail),)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"lines=1", b"\xff\xfe", b'{"a": "\xff"}', b"{}{}", b"[" * 100_000, b"NaN"]
)
def test_what_is_no_json_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed) as refused:
        decode(body, Any)
    assert refused.value.status == 400


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(Invalid, Malformed):
        decode(body, Body)


def test_a_query_is_read_from_text() -> None:
    assert convert({"productId": "a", "quantity": "3"}, Line) == Line("a", 3)
    with pytest.raises(Invalid, match="quantity"):
        convert({"productId": "a", "quantity": "three"}, Line)


class Change(msgspec.Struct, frozen=True, rename="camel"):
    input_id: str
    amount: int


class Shelf(Protocol):
    @get("/shelf/levels")
    async def levels(self, product_ids: list[str], older_than: int) -> list[Line]: ...

    @get("/shelf/{product_id}/level")
    async def level(self, product_id: str) -> Line: ...

    @post("/shelf/{product_id}/fill")
    async def fill(self, product_id: str, lines: list[Line], input_id: str) -> None: ...

    @patch("/shelf/{product_id}")
    async def change(self, product_id: str, change: Change) -> None: ...


class Recorder:
    """A transport that keeps what it was given and answers as it was told."""

    def __init__(self, status: int = 204, body: bytes = b"") -> None:
        self.answer = (status, body)
        self.verb, self.path, self.body = "", "", b""
        self.query: dict[str, list[str]] = {}

    async def call(self, verb: str, path: str, query: dict[str, list[str]], body: bytes | None) -> tuple[int, bytes]:
        self.verb, self.path, self.query, self.body = verb, path, query, body or b""
        return self.answer


def endpoint(name: str) -> Endpoint:
    return next(each for each in endpoints(Shelf) if each.name == name)


@given(st.lists(st.text()), st.integers(-(2**63), 2**63 - 1))
async def test_a_get_travels_in_the_query(ids: list[str], older_than: int) -> None:
    transport = Recorder(200, b"[]")
    assert await connect(Shelf, transport).levels(ids, older_than=older_than) == []
    assert (transport.verb, transport.path) == ("GET", "/shelf/levels")
    query = {name: values for name, values in transport.query.items() if values}
    read = arguments_of(endpoint("levels"), {}, query, b"")
    assert read == {"product_ids": ids, "older_than": older_than}


@given(st.lists(st.builds(Line, st.text(), st.integers(-(2**63), 2**63 - 1))), st.text())
async def test_a_post_travels_in_the_body(lines: list[Line], input_id: str) -> None:
    transport = Recorder()
    await connect(Shelf, transport).fill("prd_1", lines, input_id)
    assert (transport.verb, transport.path) == ("POST", "/shelf/prd_1/fill")
    read = arguments_of(endpoint("fill"), {"product_id": "prd_1"}, {}, transport.body)
    assert read == {"product_id": "prd_1", "lines": lines, "input_id": input_id}


async def test_a_patch_sends_its_one_argument_as_the_body() -> None:
    transport = Recorder()
    await connect(Shelf, transport).change("prd_1", Change("evt_1", 5))
    assert transport.body == b'{"inputId":"evt_1","amount":5}'
    read = arguments_of(endpoint("change"), {"product_id": "prd_1"}, {}, transport.body)
    assert read == {"product_id": "prd_1", "change": Change("evt_1", 5)}


@pytest.mark.parametrize("text", ["a/b", "../admin", "a?b=c", "a#b", "a b", "%2e%2e", "é", ".", ".."])
async def test_an_argument_in_the_path_cannot_leave_its_place(text: str) -> None:
    transport = Recorder(200, b'{"productId":"a","quantity":1}')
    await connect(Shelf, transport).level(text)
    inside = transport.path.removeprefix("/shelf/").removesuffix("/level")
    assert set(inside) <= SAFE
    assert unquote(inside) == text


@pytest.mark.parametrize("body", [b"[]", b"7", b"null", b'{"lines": 5, "inputId": "a"}', b'{"lines": []}'])
def test_a_call_with_the_wrong_body_is_invalid(body: bytes) -> None:
    with pytest.raises(Invalid):
        arguments_of(endpoint("fill"), {"product_id": "prd_1"}, {}, body)


def test_a_call_with_more_than_it_takes_is_invalid() -> None:
    with pytest.raises(Invalid, match="colour"):
        arguments_of(endpoint("fill"), {"product_id": "a"}, {}, b'{"lines":[],"inputId":"a","colour":1}')


async def test_a_problem_is_raised_where_the_call_was_made() -> None:
    document = encode(NotFound("there is no such product", productId="prd_1").document("req_1"))
    with pytest.raises(NotFound) as refused:
        await connect(Shelf, Recorder(404, document)).level("prd_1")
    assert refused.value.members == {"productId": "prd_1"}


@pytest.mark.parametrize("status", [401, 403, 429, 500, 502, 503, 504])
async def test_an_answer_that_says_nothing_about_the_call_is_unknown(status: int) -> None:
    document = encode(NotFound("whatever").document("req_1"))
    with pytest.raises(Unavailable):
        await connect(Shelf, Recorder(status, document)).level("prd_1")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        *((200, b"<html>"), (200, b'{"productId":1}'), (404, b"gone"), (404, b"[]"), (302, b""), (404, b"{}")),
        *((404, b'{"a":' * 9999 + b"1" + b"}" * 9999), (404, b'{"a":"\xff"}')),
    ],
)
async def test_an_answer_that_cannot_be_read_is_unknown(status: int, body: bytes) -> None:
    with pytest.raises(Unavailable):
        await connect(Shelf, Recorder(status, body)).level("prd_1")


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**20), max_value=10**20))
def test_decimals_are_exact_numbers(amount: Decimal) -> None:
    body = encode({"amount": amount})
    assert b'"' not in body.removeprefix(b'{"amount":')
    assert msgspec.json.decode(body, type=dict[str, Decimal]) == {"amount": amount}


class Counted(msgspec.Struct, forbid_unknown_fields=True):
    count: int | None
    price: Decimal = Decimal(0)


@pytest.mark.parametrize("text", ["3", "3.0", "30e-1", "0.3e1"])
def test_a_whole_number_is_one_however_it_is_written(text: str) -> None:
    """JSON Schema, 6.1.1: `integer` is every number without a fraction."""
    assert decode(b'{"count": %s}' % text.encode(), Counted).count == 3


@pytest.mark.parametrize("text", ["3.5", "1e400", "1e999999999", "-1e999999999", "3.0000000000000000000001", '"3"'])
def test_what_is_no_whole_number_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        decode(b'{"count": %s}' % text.encode(), Counted)
    assert refused.value.errors[0].field == "count"


def test_beside_a_whole_number_with_a_point_money_stays_exact() -> None:
    assert decode(b'{"count": 3.0, "price": 0.1000000000000000055}', Counted).price == Decimal("0.1000000000000000055")
    assert decode(b'{"count": 3.0, "price": 20.00}', Counted).price == 20


class _Priced(msgspec.Struct):
    price: Decimal
    was: Decimal | None = None


@pytest.mark.parametrize("text", ["1_000", " 1", "1 ", "+1", "１０", "²", "NaN", "Infinity", "1e3", ".5", "5.", ""])
def test_a_decimal_in_a_text_is_written_as_people_and_other_programs_write_it(text: str) -> None:
    """Python alone takes `1_000` for a thousand; a shop that lists at one price must not sell at another."""
    for name in ("price", "was"):
        body = json.dumps({"price": "1", name: text}).encode()
        with pytest.raises(Invalid) as refused:
            decode(body, _Priced)
        assert [each.field for each in refused.value.errors] == [name]


class _Shelf(msgspec.Struct):
    best: _Priced | None = None
    others: list[_Priced] = []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"best": {"price": "1_000"}}, "best.price"),
        ({"others": [{"price": "1"}, {"price": "1", "was": "NaN"}]}, "others[1].was"),
    ],
)
def test_a_decimal_is_looked_at_wherever_it_is(body: dict[str, object], field: str) -> None:
    assert decode(b'{"best": {"price": "1.5"}, "others": [{"price": 2}]}', _Shelf).best == _Priced(Decimal("1.5"))
    with pytest.raises(Invalid) as refused:
        decode(json.dumps(body).encode(), _Shelf)
    assert [each.field for each in refused.value.errors] == [field]
