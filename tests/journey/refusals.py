"""For schemathesis: what no schema can say of a request. All of its checks are on; three of them are told of reasons
that lie in the shop and not in the request."""

import json
import re
import secrets
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import schemathesis
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.core.transport import Response
from schemathesis.openapi.checks import RejectedPositiveData, UseAfterFree
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance, use_after_free

from kassa.auth import weak
from kassa.kit.problem import Invalid
from kassa.kit.text import normalised

MONEY = ("price", "compareAtPrice", "amount", "minimum")
PASSWORDS = {"password", "new"}
ADMIN = "admin@shop.example"
# Codes that say that the request itself is wrong: the description must have said so before.
OF_THE_REQUEST = {"malformed_request", "validation_failed", "body_too_large"}
# What a product has cost is told of withdrawn ones, too: the law asks for it.
STAYS = {"/products/{product_id}/prices"}
# Fields that are wrong for what the order is (what it comes to, what of it was sold, what is left of its payment), for
# what the product's other price is, for which families there are, for how the list is to be shown (`skip`), or for what
# another parameter says (`only`, `since`, `email`).
OF_WHAT_IS_STORED = {
    "/orders": {"totalAmount", "shippingMethod"},
    "/orders/admin/all": {"only"},
    "/orders/admin/customers": {"email"},
    "/orders/admin/analytics/sales": {"since"},
    "/orders/{order_id}/shipments": {"items"},
    "/orders/{order_id}/returns": {"items"},
    "/orders/{order_id}/returns/{number}/receive": {"restock"},
    "/withdrawals": {"items", "email"},
    "/quotes": {"totalAmount", "shippingMethod", "currency"},
    "/discounts": {"percent", "amount", "endsAt"},
    "/discounts/{discount_id}": {"limit", "endsAt"},
    "/events": {"after"},
    "/events/endpoints": {"url"},
    "/events/endpoints/{endpoint_id}": {"url"},
    "/payments/{order_id}/disputes/{dispute_id}/evidence": {"fields", "amountMinor"},
    "/payments/{order_id}/refund": {"items", "restock", "lines", "shipping", "returnId", "amount"},
    "/products": {"familyId", "optionValues", "skip", "cursor"},
    "/products/{product_id}": {"price", "compareAtPrice", "familyId", "optionValues"},
}
# What is wrong for where it is: what addresses of a country need, which regions it has; which zone a method is for;
# what a colour is read on, and a text that there is in its language already.
OF_PLACES = {
    "/orders": ("destination.", "billing."),
    "/quotes": ("destination.",),
    "/orders/{order_id}/destination": ("destination.",),
    "/selling": ("zones[", "shippingMethods[", "taxRates[", "home", "seller."),
    "/shop-profile": ("texts", "accentLight", "accentDark"),
}


@schemathesis.check
def valid_data_is_accepted(ctx: Any, response: Response, case: Any) -> bool | None:
    """As `positive_data_acceptance`, but for what only the shop can know and the endpoint documents by its code: a
    product that does not exist, an order that cannot be paid, a signature that is not Stripe's."""
    try:
        accepted: bool | None = positive_data_acceptance(ctx, response, case)
    except RejectedPositiveData:
        problem = json.loads(response.content)
        said = case.operation.definition.raw["responses"][str(response.status_code)]
        is_documented = problem["code"] in said["content"]["application/problem+json"]["examples"]
        is_told_by_the_shop = problem["code"] not in OF_THE_REQUEST or _is_for_what_is_stored(case, problem)
        if not (is_documented and is_told_by_the_shop):
            raise
        return None
    return accepted


@schemathesis.check
def wrong_data_is_refused(ctx: Any, response: Response, case: Any) -> bool | None:
    """As `negative_data_rejection`, but for a text that is too long only as it was sent: blanks around it and what is
    not seen do not count, and JSON Schema counts them."""
    try:
        refused: bool | None = negative_data_rejection(ctx, response, case)
    except AcceptedNegativeData as accepted:
        too_long = re.search(
            r"violates `maxLength` at \S*/properties/(\w+)|(\w+): String larger than", accepted.message
        )
        sent = list(_texts(case.body, too_long[1] or too_long[2])) if too_long else []
        if all(len(normalised(text, len(text))) == len(text) for text in sent):
            raise
        return None
    return refused


@schemathesis.check
def what_was_removed_is_gone(ctx: Any, response: Response, case: Any) -> bool | None:
    """As `use_after_free`, but for what is told of withdrawn products on purpose."""
    try:
        gone: bool | None = use_after_free(ctx, response, case)
    except UseAfterFree:
        if case.operation.path not in STAYS:
            raise
        return None
    return gone


def _texts(sent: Any, name: str, at: str = "") -> Iterator[str]:
    """All texts that a body has in members of this name, however deep."""
    if isinstance(sent, dict):
        for member, value in sent.items():
            yield from _texts(value, name, member)
    elif isinstance(sent, list):
        for value in sent:
            yield from _texts(value, name, at)
    elif isinstance(sent, str) and at == name:
        yield sent


def _is_for_what_is_stored(case: Any, problem: Any) -> bool:
    fields = {each["field"] for each in problem.get("errors", [])}
    known, of_places = OF_WHAT_IS_STORED.get(case.operation.path, set()), OF_PLACES.get(case.operation.path, ())
    return bool(fields) and all(
        each in known or each.startswith(of_places) or _is_unseen(case.body, each) for each in fields
    )


def _is_unseen(body: Any, field: str) -> bool:
    """Whether the field's text has characters of which none is seen, such as a soft hyphen."""
    sent = list(_texts(body, re.sub(r"\[\d+\]", "", field).rpartition(".")[2]))
    return any(text and not _look(text) for text in sent)


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """A key is a name for one request only. Money has two decimals: JSON Schema cannot say so, for by
    `multipleOf: 0.01` 19.99 is wrong for whoever reads it as a binary float. Nor can it say that one price
    is above another, that the last digit of a GTIN follows from the others, that options look different, that the
    pieces of one product are bounded in sum, or which passwords are weak."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = secrets.token_hex(16)
    if isinstance(case.body, dict):
        for name in MONEY:
            if isinstance(case.body.get(name), float):
                case.body[name] = max(0.01, round(case.body[name], 2))
        if {"price", "compareAtPrice"} <= case.body.keys() and not _is_above(case.body):
            case.body["compareAtPrice"] = None
        for name in PASSWORDS & case.body.keys():
            if _is_weak(case.body[name], case.body):
                case.body[name] = secrets.token_hex(16)
        if case.body.get("gtin"):
            case.body["gtin"] = _with_its_check_digit(case.body["gtin"])
        if isinstance(case.body.get("options"), list):
            case.body["options"] = _each_once(case.body["options"])
        if "items" in case.body:
            case.body["items"] = _each_product_once(case.body["items"])
        if isinstance(case.body.get("lines"), list) and all(isinstance(each, dict) for each in case.body["lines"]):
            case.body["lines"] = _each_product_once(case.body["lines"])


def _each_product_once(lines: list[Any]) -> list[Any]:
    return list({each["productId"]: each for each in lines}.values())


def _each_once(options: list[Any]) -> list[Any]:
    """Options and values that people see, and can tell apart."""
    named = {look: each for each in options if (look := _look(each["name"]))}
    kept = [{**each, "values": _seen(each["values"])} for each in named.values()]
    return [each for each in kept if each["values"]] or [{"name": "Size", "values": ["M"]}]


def _seen(values: list[str]) -> list[str]:
    return list({look: value for value in values if (look := _look(value))}.values())


def _look(text: str) -> str:
    return normalised(text, len(text)).casefold()


def _with_its_check_digit(gtin: str) -> str:
    digits = gtin[:-1]
    return digits + str(-sum(int(digit) * (3, 1)[at % 2] for at, digit in enumerate(reversed(digits))) % 10)


def _is_above(body: dict[str, Any]) -> bool:
    return body["compareAtPrice"] is not None and Decimal(str(body["compareAtPrice"])) > Decimal(str(body["price"]))


def _is_weak(password: Any, body: dict[str, Any]) -> bool:
    try:
        weak.checked(password, str(body.get("email", ADMIN)), str(body.get("name") or ""))
    except Invalid:
        return True
    return False
