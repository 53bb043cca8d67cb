"""The wire: JSON, and contracts over HTTP.

`@get`, `@post` and `@patch` mark a Protocol's method with its HTTP form. From the same marks `connect` makes a
client that satisfies the Protocol and `endpoints` tells a server what to answer, so that the two cannot drift.
"""

import inspect
import re
from collections.abc import Callable
from contextvars import ContextVar
from decimal import Decimal
from functools import cache
from typing import Any, Protocol, TypeVar, get_args, get_type_hints
from urllib.parse import quote

import msgspec

from kassa.kit.problem import FieldError, Invalid, Malformed, Problem, Unavailable

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that is being answered: in every log line, audit entry, problem and call."""
trace_parent: ContextVar[str] = ContextVar("trace_parent", default="")
"""W3C `traceparent` of the request that is being answered."""

MOST_DIGITS = 20
"""Of a whole number that is written with a point or an exponent; more than any that is taken."""
_DECIMAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_MARK = "__kassa_http__"
_encoder = msgspec.json.Encoder(decimal_format="number")
_any_number = msgspec.json.Decoder(float_hook=Decimal)
_fields = cache(msgspec.structs.fields)


class Mark(msgspec.Struct, frozen=True):
    """A method's HTTP form. `callers` are the services that may call it; none: anybody."""

    verb: str
    path: str
    callers: tuple[str, ...]


class Endpoint(msgspec.Struct, frozen=True):
    """A marked method: its name, its mark, the type of its arguments as one struct, and the type of its answer."""

    name: str
    mark: Mark
    arguments: type[msgspec.Struct]
    answer: Any


class Transport(Protocol):
    """Carries one call: returns status and body; Unavailable when there was no answer."""

    async def call(
        self, verb: str, path: str, query: dict[str, list[str]], body: bytes | None
    ) -> tuple[int, bytes]: ...


def get(path: str, callers: tuple[str, ...] = ()) -> Callable[[F], F]:
    """Mark a method as `GET path`: its arguments travel in the path and the query."""
    return _marker(Mark("GET", path, callers))


def post(path: str, callers: tuple[str, ...] = ()) -> Callable[[F], F]:
    """Mark a method as `POST path`: arguments that are not in the path travel as a JSON object."""
    return _marker(Mark("POST", path, callers))


def patch(path: str, callers: tuple[str, ...] = ()) -> Callable[[F], F]:
    """Mark a method as `PATCH path`; its one argument that is not in the path is the body."""
    return _marker(Mark("PATCH", path, callers))


def _marker(mark: Mark) -> Callable[[F], F]:
    def marked(method: F) -> F:
        setattr(method, _MARK, mark)
        return method

    return marked


def endpoints(contract: type) -> list[Endpoint]:
    """The marked methods of a contract."""
    found = []
    for name, method in inspect.getmembers(contract, inspect.isfunction):
        if (mark := getattr(method, _MARK, None)) is not None:
            hints = get_type_hints(method)
            answer = hints.pop("return")
            arguments = msgspec.defstruct(name, list(hints.items()), rename="camel", forbid_unknown_fields=True)
            found.append(Endpoint(name, mark, arguments, answer))
    return found


def connect(contract: type[T], transport: Transport) -> T:
    """An object that satisfies the contract by calling over `transport`."""
    methods = {endpoint.name: _remote(endpoint, transport) for endpoint in endpoints(contract)}
    remote: T = type(f"Remote{contract.__name__}", (), methods)()
    return remote


def _remote(endpoint: Endpoint, transport: Transport) -> Callable[..., Any]:
    names = endpoint.arguments.__struct_fields__
    camel = dict(zip(names, endpoint.arguments.__struct_encode_fields__, strict=True))
    decoder = msgspec.json.Decoder(endpoint.answer)
    mark = endpoint.mark

    async def call(_self: Any, *args: Any, **kwargs: Any) -> Any:
        values = dict(zip(names, args, strict=False)) | kwargs
        path = mark.path
        for name in names:
            if f"{{{name}}}" in path:
                path = path.replace(f"{{{name}}}", _segment(str(values.pop(name))))
        query: dict[str, list[str]] = {}
        body = None
        if mark.verb == "GET":
            query = {camel[name]: _texts(value) for name, value in values.items()}
        elif mark.verb == "PATCH":
            body = encode(next(iter(values.values())))
        else:
            body = encode({camel[name]: value for name, value in values.items()})
        return _answer(await transport.call(mark.verb, path, query, body), decoder)

    return call


def _segment(text: str) -> str:
    # RFC 3986, 5.2.4: a segment of dots alone would be taken for a way up.
    return quote(text, safe="", errors="replace").replace(".", "%2E")


def _texts(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple) else [str(value)]


def _answer(answered: tuple[int, bytes], decoder: msgspec.json.Decoder[Any]) -> Any:
    status, body = answered
    try:
        if status < 300:
            return decoder.decode(body) if body else None
        document = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unavailable(f"an answer with status {status} could not be read") from error
    problem = Problem.from_document(document, status)
    # 401, 403, 429 and 5xx say nothing about the call itself: it is unknown whether it was done.
    if status in (401, 403, 429) or status >= 500:
        raise Unavailable(problem.detail)
    raise problem


def arguments_of(endpoint: Endpoint, path: dict[str, str], query: dict[str, list[str]], body: bytes) -> dict[str, Any]:
    """The arguments of a call that came over HTTP; Malformed or Invalid if they are not the endpoint's."""
    kind = endpoint.arguments
    values: dict[str, Any] = {}
    for field in _fields(kind):
        name, encoded = field.name, field.encode_name
        if name in path:
            values[encoded] = path[name]
        elif encoded in query:
            values[encoded] = query[encoded] if field.type == list[str] else query[encoded][0]
        elif endpoint.mark.verb == "GET" and field.type == list[str]:
            values[encoded] = []
        elif endpoint.mark.verb == "PATCH":
            values[encoded] = decode(body, Any)
    if endpoint.mark.verb == "POST":
        sent = decode(body, dict[str, Any])
        values = sent | values
    arguments = convert(values, kind)
    return {name: getattr(arguments, name) for name in kind.__struct_fields__}


def encode(value: Any) -> bytes:
    """JSON; decimals as exact numbers."""
    return _encoder.encode(value)


def decode(body: bytes, kind: type[T]) -> T:
    """The body as `kind`. Malformed (400) if it is no JSON, Invalid (422) if it is not the right JSON."""
    try:
        value = _decoded(body, kind)
        _check_decimals(body, kind)
        return value
    except msgspec.ValidationError as error:
        raise _invalid(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("send a JSON document in UTF-8") from error


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        if "`int" not in str(error) or "got `float`" not in str(error):
            raise
    # JSON Schema, 6.1.1: 3.0 is an integer, too, and some languages write it so.
    return msgspec.convert(_with_whole_numbers(_any_number.decode(body)), kind)


def _check_decimals(body: bytes, kind: Any) -> None:
    """Invalid, if a decimal is a text that Python would read and nobody else: `1_000`, `１０`, ` 1`, `NaN`."""
    if _has_decimals(kind):
        _look_at_decimals(msgspec.json.decode(body), kind, "")


def _look_at_decimals(given: Any, kind: Any, place: str) -> None:
    if isinstance(given, list):
        for number, each in enumerate(given):
            _look_at_decimals(each, kind, f"{place.rstrip('.')}[{number}].")
    for name, (is_decimal, within) in _decimals(kind).items() if isinstance(given, dict) else ():
        value = given.get(name)
        if is_decimal and isinstance(value, str) and not _DECIMAL.fullmatch(value):
            raise Invalid.field(f"{place}{name}", "must be a decimal number such as 12.50")
        if within is not None:
            _look_at_decimals(value, within, f"{place}{name}.")


@cache
def _decimals(kind: Any) -> dict[str, tuple[bool, Any]]:
    """The members of a struct that are decimals, or have some within: those, and of which kind what is within is."""
    members = _fields(kind) if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else ()
    found = {each.encode_name: ("Decimal" in str(each.type), _within(each.type)) for each in members}
    return {name: each for name, each in found.items() if each[0] or each[1] is not None}


@cache
def _has_decimals(kind: Any) -> bool:
    return bool(_decimals(kind))


def _within(kind: Any) -> Any:
    """The struct with decimals that a type is about, also one of a list or beside others; None if there is none."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind if _has_decimals(kind) else None
    return next((found for each in get_args(kind) if (found := _within(each)) is not None), None)


def _with_whole_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_whole_numbers(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_whole_numbers(each) for each in value]
    is_whole = isinstance(value, Decimal) and value.adjusted() < MOST_DIGITS and value == value.to_integral_value()
    return int(value) if is_whole else value


def convert(value: Any, kind: type[T]) -> T:
    """Plain values (a query, a path) as `kind`: numbers and booleans are read from text. Invalid if they do not fit."""
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _invalid(error) from error


def _invalid(error: msgspec.ValidationError) -> Invalid:
    # msgspec ends its messages with the place: "Expected `int`, got `str` - at `$.items[0].quantity`"
    message, _, place = str(error).partition(" - at `")
    around = place.rstrip("`").removeprefix("$").lstrip(".")
    field = ".".join(filter(None, (around, _named_field(message))))
    return Invalid(f"{field}: {message}" if field else message, errors=(FieldError(field, message),))


def _named_field(message: str) -> str:
    # "Object missing required field `email`", "Object contains unknown field `x`"
    parts = message.split("`")
    return parts[-2] if " field " in message and len(parts) >= 3 else ""
