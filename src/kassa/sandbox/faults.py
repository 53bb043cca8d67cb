"""Faults that a test orders: the next calls that match go wrong in a chosen way."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, get_args

from kassa.sandbox import limits
from kassa.sandbox.errors import ApiError, Json

Kind = Literal[
    "error_500_before", "error_500_after", "timeout_before", "timeout_after", "reset",
    "409", "429", "lock_timeout", "401", "nonsense", "slow", "webhooks_first", "paid_meanwhile", "expired_meanwhile",
    "no_funds",
]  # fmt: skip
# slow: it is carried out `seconds` later. webhooks_first: the events that the call causes are delivered, or tried to
# be, before it is answered (within `seconds`, or 10). paid_meanwhile and expired_meanwhile: the session in the path is
# paid, or expired, by somebody else before the call is carried out. no_funds: the balance does not suffice for a
# refund; the refusal is kept under the call's key.
KINDS: tuple[str, ...] = get_args(Kind)
LONGEST = 120.0


@dataclass
class Fault:
    """One order. `match` is `METHOD /path`, where `*` stands for anything; the card page's calls must be named, as in
    `POST /c/pay/*`, and can be slow or have something happen meanwhile."""

    match: str
    kind: str
    times: int = 1
    seconds: float = 0.0
    should_retry: bool | None = None

    def refuse(self) -> None:
        """Raise `ApiError` if the call is to be refused as one that was executed: that is kept under its key."""
        if self.kind == "no_funds":
            text = "Insufficient funds in your Stripe balance to refund this amount."
            raise ApiError(text, is_saved=True)

    def refusal(self) -> ApiError | None:
        """What is answered instead of executing, for the kinds that do so."""
        hint = limits.retry_hint(self.should_retry)
        if self.kind == "error_500_before":
            return ApiError("An unknown error occurred", status=500, type="api_error", headers=hint)
        if self.kind == "409":
            text = "There is currently another in-progress request using this idempotency key."
            return ApiError(text, status=409, type="idempotency_error", code="idempotency_key_in_use", headers=hint)
        if self.kind == "429":
            return limits.refusal("global-rate", self.should_retry)
        if self.kind == "lock_timeout":
            text = (
                "This object cannot be accessed right now because another API request or Stripe process is currently"
                " accessing it. If you see this error intermittently, retry the request."
            )
            return ApiError(text, status=429, code="lock_timeout", headers=hint)
        if self.kind == "401":
            return ApiError("Invalid API Key provided: sk_test_****", status=401, headers=hint)
        return None


class Faults:
    """The orders that are still open, oldest first."""

    def __init__(self) -> None:
        self._orders: list[Fault] = []

    def order(self, given: Json) -> Fault:
        """Take an order from JSON; `ApiError` 400 if it makes no sense."""
        kind, times = str(given.get("kind", "")), given.get("times", 1)
        match, seconds = given.get("match", "* *"), given.get("seconds", 0)
        if kind not in KINDS:
            raise ApiError(f"Unknown kind of fault: {kind}. One of {', '.join(KINDS)}.", param="kind")
        if not isinstance(match, str) or not isinstance(times, int) or not 1 <= times <= 10_000:
            raise ApiError("A fault needs `match` (METHOD /path) and `times` from 1 to 10000.", param="times")
        if not isinstance(seconds, int | float) or not 0 <= seconds <= LONGEST:
            raise ApiError(f"`seconds` is from 0 to {LONGEST:g}.", param="seconds")
        fault = Fault(match, kind, times, float(seconds), given.get("should_retry"))
        self._orders.append(fault)
        return fault

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that this call is to have, counted down."""
        if not self._orders:
            return None
        name = f"{method} {path}"
        for fault in self._orders:
            is_meant = not path.startswith("/c/") or "/c/" in fault.match
            if is_meant and fnmatchcase(name, fault.match):
                fault.times -= 1
                if fault.times <= 0:
                    self._orders.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        self._orders.clear()

    def open_orders(self) -> list[Json]:
        return [{"match": fault.match, "kind": fault.kind, "times": fault.times} for fault in self._orders]
