"""Rate limits (Stripe docs: rate-limits): so many calls a second altogether, and so many to one endpoint."""

from __future__ import annotations

from kassa.sandbox.errors import ApiError

OF_AN_ENDPOINT = 25
"""How many calls a second one endpoint takes at most."""


def refusal(reason: str, should_retry: bool | None = None) -> ApiError:
    """The 429 of a limit that is passed. Stripe's SDKs try again only where `should_retry` tells them to."""
    text = "Request rate limit exceeded. Learn more about rate limits at https://docs.stripe.com/rate-limits."
    headers = {"Stripe-Rate-Limited-Reason": reason, **retry_hint(should_retry)}
    return ApiError(text, status=429, code="rate_limit", headers=headers)


def retry_hint(should_retry: bool | None) -> dict[str, str]:
    """The header that tells Stripe's SDKs whether to try again."""
    return {} if should_retry is None else {"Stripe-Should-Retry": str(should_retry).lower()}


class RateLimits:
    """Counts calls by the second. `per_second` is the limit: 25 in Stripe's test mode, 100 live; 0 is none."""

    def __init__(self, per_second: int) -> None:
        self.per_second = per_second
        self._second = 0
        self._counts: dict[str, int] = {}

    def check(self, endpoint: str, now: float) -> None:
        """Count a call; `ApiError` 429 if it is one too many."""
        if not self.per_second:
            return
        if int(now) != self._second:
            self._second, self._counts = int(now), {}
        for name, limit, reason in (
            ("", self.per_second, "global-rate"),
            (endpoint, min(self.per_second, OF_AN_ENDPOINT), "endpoint-rate"),
        ):
            self._counts[name] = self._counts.get(name, 0) + 1
            if self._counts[name] > limit:
                raise refusal(reason)
