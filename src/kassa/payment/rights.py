"""What the shop's Stripe key must be allowed to do, and what its Stripe account can be asked about the webhook.

A test compares the table with the calls that the processor makes, and with the handbook.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

import msgspec

from kassa.payment.processor import COUPONS, PATHS


class Right(NamedTuple):
    """`resource` is what Stripe's form for restricted keys calls it (docs: keys). `tries` are calls that need the right
    and do no harm: what they write is about an object that is not there."""

    resource: str
    access: Literal["read", "write"]
    tries: Sequence[tuple[str, str]]


_NOBODY = "kassa_doctor_asks_what_the_key_may_do"

RIGHTS = (
    Right(
        "Checkout Sessions",
        "write",
        [("get", PATHS["checkout.session"]), ("post", f"{PATHS['checkout.session']}/{_NOBODY}/expire")],
    ),
    Right("PaymentIntents", "read", [("get", PATHS["payment_intent"])]),
    Right(
        "Charges and Refunds",
        "write",
        [("get", PATHS["charge"]), ("get", PATHS["refund"]), ("post", f"{PATHS['refund']}/{_NOBODY}")],
    ),
    Right("Disputes", "read", [("get", PATHS["dispute"])]),
    Right("Events", "read", [("get", "/v1/events")]),
)
"""What the shop cannot do without."""

_ASKED_BY: Sequence[tuple[Literal["read", "write"], str]] = (("read", "get"), ("write", "post"))
EACH_RIGHT = tuple(
    Right(right.resource, access, tries)
    for right in RIGHTS
    for access, asks in _ASKED_BY
    if (tries := [each for each in right.tries if each[0] == asks])
)
"""The same, with reading and writing apart: Stripe names one or the other as missing."""

COUPONS_RIGHT = Right("Coupons", "write", [("get", COUPONS), ("post", f"{COUPONS}/{_NOBODY}")])
"""Only a shop with discounts wants it."""

ANSWERS_RIGHT = Right("Disputes", "write", [("get", PATHS["dispute"]), ("post", f"{PATHS['dispute']}/{_NOBODY}")])
"""Only who answers disputes from here wants it, and not in Stripe's dashboard."""

ENDPOINTS_RIGHT = Right("Webhook Endpoints", "read", [("get", "/v1/webhook_endpoints")])
"""Only `kassa doctor` wants it."""


class WebhookEndpoint(msgspec.Struct, frozen=True):
    """Where Stripe sends events to, and which; `status` is enabled or disabled."""

    url: str
    status: str
    enabled_events: tuple[str, ...]


class StripeAccount(Protocol):
    """What an operator asks of Stripe, and a shop that runs does not."""

    async def check(self) -> None:
        """Return if Stripe takes the key, whatever that may do; StripeKeyRefused or StripeUnreachable else."""

    async def use(self, right: Right) -> None:
        """Return if the key has the right; StripeKeyRefused, with Stripe's words, or StripeUnreachable else."""

    async def webhook_endpoints(self) -> list[WebhookEndpoint]:
        """All of the account's, in the key's mode. StripeKeyRefused, StripeUnreachable."""
