"""Refusals in the shape that Stripe answers them (Stripe docs: api/errors)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]


class ApiError(Exception):
    """A refusal that the caller is told of.

    `is_saved` says that execution had begun, so that a retry with the same idempotency key is given the same
    answer; a refusal of the parameters themselves is not saved (Stripe docs: api/idempotent_requests). `more` are the
    fields that a card error has besides: `decline_code`, `charge`, `payment_intent`.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        is_saved: bool = False,
        headers: dict[str, str] | None = None,
        more: Json | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.type = type
        self.code = code
        self.param = param
        self.is_saved = is_saved
        self.headers = headers or {}
        self.more = more or {}

    def body(self) -> Json:
        """The JSON that goes out."""
        error: Json = {}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        error["message"] = self.message
        if self.param:
            error["param"] = self.param
        error["type"] = self.type
        return {"error": {**error, **self.more}}


def missing(param: str) -> ApiError:
    return ApiError(f"Missing required param: {param}.", code="parameter_missing", param=param)


def unknown(param: str) -> ApiError:
    return ApiError(f"Received unknown parameter: {param}", code="parameter_unknown", param=param)


def unsupported(param: str, value: str = "", instead: Sequence[str] = ()) -> ApiError:
    """Something that Stripe knows and this sandbox does not, said plainly rather than ignored: a parameter, or one
    `value` of it; `instead` are the values that it does know."""
    what = f"{param}={value}" if value else param
    known = " or ".join(f"`{other}`" for other in instead)
    advice = f"Use another value{f' ({known})' if known else ''}" if value else "Leave it out"
    text = f"The Kassa sandbox does not support `{what}`, although Stripe does. {advice}, or use a Stripe test key."
    return ApiError(text, code="sandbox_unsupported", param=param)


def no_such(kind: str, object_id: str, param: str = "id") -> ApiError:
    shown = "PaymentMethod" if kind == "payment_method" else kind
    return ApiError(f"No such {shown}: '{object_id}'", status=404, code="resource_missing", param=param)


def internal(message: str = "An unknown error occurred") -> ApiError:
    return ApiError(message, status=500, type="api_error")


def unreachable() -> ApiError:
    """The database is full, broken or held by another process: nothing was done, so the call can be made again."""
    return internal("The sandbox could not reach its database. Nothing was changed; please try again.")
