"""Reading objects: lists with their filters, and `expand` (Stripe docs: api/pagination, api/expanding_objects)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from kassa.sandbox import params, reckoning
from kassa.sandbox.account import account_object
from kassa.sandbox.errors import ApiError, Json
from kassa.sandbox.tables import Page, Reader, decode

MAX_EXPAND_DEPTH = 4
MAX_TYPES = 20
_PAGING = {"limit", "starting_after", "ending_before", "expand"}
_PARAMS = {
    "checkout.session": "session",
    "payment_intent": "intent",
    "coupon": "coupon",
    "shipping_rate": "shipping_rate_token",
    "tax_rate": "tax_rate",
}
_OF_ITEMS = frozenset({"discounts", "taxes"})
_COMPARE = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
Condition = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Listing:
    """A list endpoint: its path, the kind of its objects and the columns that it can be filtered by."""

    path: str
    kind: str
    filters: tuple[str, ...] = ()
    has_created: bool = True


LISTINGS = (
    Listing("/v1/checkout/sessions", "checkout.session", ("payment_intent", "status", "customer")),
    Listing("/v1/payment_intents", "payment_intent", ("customer",)),
    Listing("/v1/charges", "charge", ("payment_intent", "customer")),
    Listing("/v1/refunds", "refund", ("payment_intent", "charge")),
    Listing("/v1/disputes", "dispute", ("payment_intent", "charge")),
    Listing("/v1/events", "event", ("type", "types", "delivery_success")),
    Listing("/v1/webhook_endpoints", "webhook_endpoint", has_created=False),
    Listing("/v1/balance_transactions", "balance_transaction", ("source", "type", "currency")),
    Listing("/v1/products", "product", ("active", "url")),
    Listing("/v1/prices", "price", ("active", "product", "currency")),
    Listing("/v1/customers", "customer", ("email",)),
    Listing("/v1/coupons", "coupon"),
    Listing("/v1/shipping_rates", "shipping_rate", ("active", "currency")),
    Listing("/v1/tax_rates", "tax_rate", ("active", "inclusive")),
    Listing("/v1/payment_methods", "payment_method", ("customer", "type"), has_created=False),
    Listing("/v1/radar/early_fraud_warnings", "radar.early_fraud_warning", ("charge", "payment_intent")),
    Listing("/v1/test_helpers/test_clocks", "test_helpers.test_clock", has_created=False),
)


def list_objects(reader: Reader, listing: Listing, given: Json) -> bytes:
    """A page of a list as JSON."""
    allowed = {*_PAGING, *listing.filters, *(("created",) if listing.has_created else ())}
    params.only(given, allowed)
    filters = _FILTERS | _OWN_FILTERS.get(listing.kind, {})
    conditions = [filters.get(name, _field(name))(given) for name in given if name not in _PAGING]
    after, before = params.text(given, "starting_after"), params.text(given, "ending_before")
    page = Page(
        where="".join(f" AND {sql}" for sql, _ in conditions),
        values=tuple(value for _, values in conditions for value in values),
        limit=_limit(given),
        after=reader.seq(after, listing.kind, "starting_after") if after else None,
        before=reader.seq(before, listing.kind, "ending_before") if before else None,
    )
    bodies, has_more = reader.page(listing.kind, page)
    expand = params.sequence(given, "expand")
    if expand or listing.kind == "event":
        data = [expand_object(reader, _current(reader, decode(body)), _below_data(expand)) for body in bodies]
        return msgspec.json.encode({"object": "list", "data": data, "has_more": has_more, "url": listing.path})
    raw = [msgspec.Raw(body) for body in bodies]
    return msgspec.json.encode({"object": "list", "data": raw, "has_more": has_more, "url": listing.path})


def retrieve(reader: Reader, kind: str, object_id: str, given: Json) -> bytes:
    """One object as JSON; `ApiError` 404 if there is none."""
    params.only(given, {"expand"})
    expand = params.sequence(given, "expand")
    if not expand and kind != "event":
        body = reader.body(object_id, kind)
        if body is not None:
            return body
    found = _current(reader, reader.get(object_id, kind, _param_of(kind)))
    return msgspec.json.encode(expand_object(reader, found, expand))


def own_account(reader: Reader, given: Json) -> bytes:
    """The account that the key is of, as JSON."""
    params.only(given, {"expand"})
    return msgspec.json.encode(expand_object(reader, account_object(), params.sequence(given, "expand")))


def line_items(reader: Reader, session_id: str, given: Json) -> bytes:
    """A page of the line items of a session, first line first."""
    params.only(given, _PAGING)
    reader.get(session_id, "checkout.session", "session")
    private = reader.private(session_id)
    items = private["line_items"]
    ids = [item["id"] for item in items]
    limit = _limit(given)
    start = 0
    after, before = params.text(given, "starting_after"), params.text(given, "ending_before")
    for cursor, name in ((after, "starting_after"), (before, "ending_before")):
        if cursor is not None and cursor not in ids:
            raise ApiError(f"No such line item: '{cursor}'", code="resource_missing", param=name)
    if after is not None:
        start = ids.index(after) + 1
    end = ids.index(before) if before is not None else len(items)
    if before is not None:
        start = max(0, end - limit)
    page = items[start:end][:limit]
    has_more = start > 0 if before is not None else start + len(page) < len(items)
    expand = _below_data(params.sequence(given, "expand"))
    if _OF_ITEMS & set(expand):
        page = [reckoning.with_parts(item, private, expand) for item in page]
    page = [expand_object(reader, item, expand) for item in page]
    url = f"/v1/checkout/sessions/{session_id}/line_items"
    return msgspec.json.encode({"object": "list", "data": page, "has_more": has_more, "url": url})


def expand_object(reader: Reader, value: Json, paths: list[Any]) -> Json:
    """Replace the ids at these paths (`payment_intent.latest_charge`) by the objects themselves."""
    for path in paths:
        if not isinstance(path, str) or path.count(".") >= MAX_EXPAND_DEPTH:
            raise ApiError("You cannot expand more than 4 levels of a property", param="expand")
        _expand(reader, value, path, path)
    return value


def _expand(reader: Reader, value: Json, path: str, whole: str) -> None:
    name, _, rest = path.partition(".")
    if value.get("object") == "checkout.session":
        _add_parts(reader, value, name, rest)
    if name == "refunds" and value.get("object") == "charge" and value[name] is None:
        value[name] = _refunds_of(reader, value["id"])
    if name == "data" and rest and value.get("object") == "list":
        for each in value["data"]:
            _expand(reader, each, rest, whole)
        return
    if path in _OF_ITEMS and isinstance(value.get(path), list) and value.get("object") in ("item", None):
        return
    child = value.get(name)
    if rest and isinstance(child, list) and all(isinstance(each, dict) for each in child):
        for each in child:
            _expand(reader, each, rest, whole)
        return
    if name not in value or not isinstance(value[name], str | dict | None):
        raise ApiError(f"This property cannot be expanded ({whole}).", param="expand")
    child = value[name]
    if isinstance(child, str):
        child = reader.find(child)
        if child is None:
            raise ApiError(f"This property cannot be expanded ({whole}).", param="expand")
        value[name] = child
    if rest and child is not None:
        _expand(reader, child, rest, whole)


def _add_parts(reader: Reader, session: Json, name: str, rest: str) -> None:
    """What only those see in a session who expand it."""
    if name == "line_items":
        session.setdefault(name, decode(line_items(reader, session["id"], {})))
        part = rest.removeprefix("data.")
        if part in _OF_ITEMS:
            private = reader.private(session["id"])
            data = session[name]["data"]
            data[:] = [reckoning.with_parts(item, private, [part]) for item in data]
    if name == "total_details" and rest == "breakdown":
        session[name]["breakdown"] = reckoning.breakdown(session, reader.private(session["id"]))
    if name == "shipping_cost" and rest == "taxes" and session[name]:
        session[name][rest] = reckoning.shipping_taxes(session, reader.private(session["id"]))


def _refunds_of(reader: Reader, charge_id: str) -> Json:
    bodies, has_more = reader.page("refund", Page(" AND charge = ?", (charge_id,), 10))
    data = [decode(body) for body in bodies]
    return {"object": "list", "data": data, "has_more": has_more, "url": f"/v1/charges/{charge_id}/refunds"}


def _param_of(kind: str) -> str:
    return _PARAMS.get(kind, "id")


def _below_data(paths: list[Any]) -> list[Any]:
    return [path.removeprefix("data.") if isinstance(path, str) else path for path in paths]


def _current(reader: Reader, value: Json) -> Json:
    if value["object"] == "event":
        value["pending_webhooks"] = reader.pending_webhooks(value["id"])
    return value


def _limit(given: Json) -> int:
    limit = params.integer(given, "limit")
    if limit is None:
        return 10
    if not 1 <= limit <= 100:
        raise ApiError("This value must be between 1 and 100.", code="parameter_invalid_integer", param="limit")
    return limit


def _created(given: Json) -> Condition:
    value = given["created"]
    if not isinstance(value, dict):
        return "created = ?", (params.integer(given, "created"),)
    params.only(value, _COMPARE, "created")
    parts = [f"created {_COMPARE[name]} ?" for name in value]
    return " AND ".join(parts), tuple(params.integer(value, name, f"created[{name}]") for name in value)


def _type(given: Json) -> Condition:
    wanted = params.text(given, "type") or ""
    if wanted.endswith(".*"):  # Stripe: "charge.*" stands for all types below it (docs: api/events/list)
        return "state GLOB ?", (wanted,)
    return "state = ?", (wanted,)


def _types(given: Json) -> Condition:
    wanted = params.sequence(given, "types")
    if len(wanted) > MAX_TYPES or "type" in given:
        raise ApiError(f"Pass either `type` or up to {MAX_TYPES} `types`.", param="types")
    return f"state IN ({', '.join('?' * len(wanted))})", tuple(wanted)


def _delivery_success(given: Json) -> Condition:
    is_wanted = params.boolean(given, "delivery_success")
    sql = "EXISTS (SELECT 1 FROM delivery d WHERE d.event = object.id AND d.state <> 'delivered')"
    return f"NOT {sql}" if is_wanted else sql, ()


def _equals(name: str, column: str) -> Callable[[Json], Condition]:
    return lambda given: (f"{column} = ?", (params.text(given, name),))


def _field(name: str) -> Callable[[Json], Condition]:
    """A filter by a field that the table has no column for."""

    def build(given: Json) -> Condition:
        value: Any = params.text(given, name.rpartition(".")[2])
        if value in ("true", "false"):
            value = int(value == "true")
        return f"CAST(body AS TEXT) ->> '$.{name}' = ?", (value,)  # `name` is one of those of a Listing

    return build


_FILTERS: dict[str, Callable[[Json], Condition]] = {
    "created": _created,
    "payment_intent": _equals("payment_intent", "payment_intent"),
    "charge": _equals("charge", "charge"),
    "status": _equals("status", "state"),
}
_OWN_FILTERS: dict[str, dict[str, Callable[[Json], Condition]]] = {
    "event": {"type": _type, "types": _types, "delivery_success": _delivery_success},
    "shipping_rate": {"currency": _field("fixed_amount.currency")},
}
