"""For schemathesis: what no schema can say of a request. All of its checks are on; two of them are told of reasons that
lie in the shop and not in the request."""

import json
import re
import secrets
from decimal import Decimal
from typing import Any

import schemathesis
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.core.transport import Response
from schemathesis.openapi.checks import RejectedPositiveData
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from kassa.auth import weak
from kassa.kit.problem import Invalid
from kassa.kit.text import normalised

MONEY = ("price", "compareAtPrice", "amount")
PASSWORDS = {"password", "new"}
ADMIN = "admin@shop.example"
# Codes that say that the request itself is wrong: the description must have said so before.
OF_THE_REQUEST = {"malformed_request", "validation_failed", "body_too_large"}
# Fields that are wrong for what the order is (what it comes to, what of it was sold, what is left of its payment), or
# for what the product's other price is.
OF_WHAT_IS_STORED = {
    "/orders": {"totalAmount"},
    "/payments/{order_id}/refund": {"items", "restock"},
    "/products/{product_id}": {"price", "compareAtPrice"},
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
        too_long = re.search(r"violates `maxLength` at /properties/(\w+)|(\w+): String larger than", accepted.message)
        sent = case.body.get(too_long[1] or too_long[2]) if too_long and isinstance(case.body, dict) else None
        if not isinstance(sent, str) or len(normalised(sent, len(sent))) == len(sent):
            raise
        return None
    return refused


def _is_for_what_is_stored(case: Any, problem: Any) -> bool:
    fields = {each["field"] for each in problem.get("errors", [])}
    return bool(fields) and fields <= OF_WHAT_IS_STORED.get(case.operation.path, set())


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """A key is a name for one request only. Money has two decimals: JSON Schema cannot say so, for by
    `multipleOf: 0.01` 19.99 is wrong for whoever reads it as a binary float. Nor can it say that one price
    is above another, that the pieces of one product are bounded in sum, or which passwords are weak."""
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
        if "items" in case.body:
            case.body["items"] = list({each["productId"]: each for each in case.body["items"]}.values())


def _is_above(body: dict[str, Any]) -> bool:
    return body["compareAtPrice"] is not None and Decimal(str(body["compareAtPrice"])) > Decimal(str(body["price"]))


def _is_weak(password: Any, body: dict[str, Any]) -> bool:
    try:
        weak.checked(password, str(body.get("email", ADMIN)), str(body.get("name") or ""))
    except Invalid:
        return True
    return False
