"""What Stripe knows, and the sandbox may not have: endpoints, the parameters of those that are here, and their values.

The one place that tells "this sandbox has no such thing" from "Stripe has no such thing". The rule: what a call says
is acted on; or nothing that a caller could see follows from it (WITHOUT_EFFECT); or it is refused by name. Handlers
list the parameters that they take, VALUES what is taken of those that have a choice, and all else is looked up here.
The list of endpoints and parameters is the installed SDK's; `python -m tests.sandbox.stripe_api` renews it.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from kassa.sandbox.errors import ApiError, Json, unsupported
from kassa.sandbox.params import words

FILE = Path(__file__).with_name("known.json")
FREE, EACH = "*", "[]"
"""In the list: keys of the caller's own, as in metadata; and each element of a list."""
_PARTS = re.compile(r"[^\[\]]+")


class Values(NamedTuple):
    """The values of a parameter: those that are taken here, and the others that Stripe takes."""

    taken: tuple[str, ...]
    lacking: tuple[str, ...]


_ONLY_FALSE = Values(("false",), ("true",))
_PAGES = Values(("hosted_page",), ("elements", "embedded_page", "form"))
_DURATION = Values(("forever", "once"), ("repeating",))
_USAGE = Values(("licensed",), ("metered",))
VALUES: dict[str, dict[str, Values]] = {
    "POST /v1/checkout/sessions": {
        "mode": Values(("payment",), ("setup", "subscription")),
        "ui_mode": _PAGES,
        "adaptive_pricing[enabled]": _ONLY_FALSE,
        "allow_promotion_codes": _ONLY_FALSE,
        "customer_creation": Values(("if_required",), ("always",)),
    },
    "POST /v1/coupons": {"duration": _DURATION},
    "POST /v1/payment_intents": {
        "capture_method": Values(("automatic", "automatic_async"), ("manual",)),
        "confirmation_method": Values(("automatic",), ("manual",)),
        "use_stripe_sdk": _ONLY_FALSE,
    },
    "POST /v1/payment_intents/*/confirm": {"use_stripe_sdk": _ONLY_FALSE},
    "POST /v1/prices": {
        "billing_scheme": Values(("per_unit",), ("tiered",)),
        "recurring[usage_type]": _USAGE,
    },
}
"""What is taken in part, by endpoint. A test compares it with the SDK's own choices."""
_OLDER_PAGES = Values((*_PAGES.taken, "hosted"), (*_PAGES.lacking, "embedded", "custom"))
"""Before 2026-03-25.dahlia pages had other names (Stripe docs: changelog/dahlia/2026-03-25)."""

WITHOUT_EFFECT = {
    "allow_redisplay": "no page shows saved payment methods",
    "allow_redirects": "cards and bank debits do not redirect",
    "enabled": "of payment methods: cards and bank debits are all that the account has switched on",
    "images": "the looks of the card page",
    "locale": "the words on the card page",
    "origin_context": "the looks of the card page",
    "preferred_locales": "no e-mail is sent",
    "reason": "a fraudulent refund would put the card on the account's block lists, which test mode is better without",
    "receipt_email": "in test mode Stripe sends no receipt either",
    "setup_future_usage": "only a customer's payment method can be used later, and without a customer none is made",
    "shippable": "nothing is shipped",
    "submit_type": "the words on the card page",
    "unit_label": "the words on invoices, of which there are none",
}
"""What is taken, by its own name, and only repeated in the answer though at Stripe more follows from it: why nothing
does here that a caller could see."""

# Stripe docs: testing, as of August 2026. The sandbox's own test cards stand in kassa.sandbox.cards.
_LACKING_NAMES = words(
    """ae ae_mastercard ar at au be bg br by ca ch cl cn co cr cy cz de dk ec ee es fi fr gb gb_debit gb_mastercard gi
    gr hk hr hu ie in it jp li lt lu lv mt mx my no nl nz pa pe pl pt py ro sa se sg si sk th_credit th_debit tw us uy
    visa_cartesBancaires mastercard_cartesBancaires visa_debit_eftposAuCoBranded mastercard_debit_eftposAuCoBranded
    adaptive3dsChallenge amex_threeDSecureNotSupported authenticationRequiredChargeDeclinedInsufficientFunds
    authenticationRequiredSetupForOffSession avsFail avsLine1Fail avsUnchecked avsZipFail avsZipFailElevatedRisk
    bypassPending bypassPendingInternational chargeCustomerFail visa_chargeCustomerFailLostCard
    visa_chargeCustomerFailStolenCard createDisputeAndFailToWithdraw createDisputeAndSucceedToWithdraw
    createDisputeInquiryNotReceived createMultipleDisputes credit_disableEnterpriseCardFeatures cvcCheckFail
    cvcCheckFailElevatedRisk domesticPricing freeTrialAbuseBlock highEfwScore highFraudDisputeScore
    radarDynamicRiskThreshold riskLevelElevated riskLevelHighest threeDSecureOptional
    threeDSecureOptionalProcessingError threeDSecureRequired threeDSecureRequiredProcessingError"""
)
_NAME = re.compile(r"(?:pm_card|tok)_(\w+)|pm_(?:acssDebit|auBecsDebit|bacsDebit|sepaDebit|usBankAccount)_\w+")


@cache
def _endpoints() -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(FILE.read_bytes())
    return found


def is_endpoint(method: str, path: str) -> bool:
    """Whether Stripe has an endpoint at exactly this path, in which ids are `*`."""
    return f"{method} {path}" in _endpoints()


def has_parameter(method: str, template: str, label: str) -> bool:
    """Whether Stripe has a parameter, such as `line_items[0][tax_rates]`, at an endpoint of this sandbox."""
    tree = _endpoints().get(f"{method} {template}")
    for part in _PARTS.findall(label):
        if tree == FREE:
            return True
        part = EACH if part.isdecimal() else part
        if not isinstance(tree, dict) or part not in tree:
            return False
        tree = tree[part]
    return True


def is_test_name(name: str) -> bool:
    """Whether Stripe has a test payment method or token of this name, which the sandbox has not."""
    found = _NAME.fullmatch(name)
    return found is not None and (found[1] is None or found[1] in _LACKING_NAMES)


def check_values(endpoint: str, given: Json, *, is_older: bool) -> None:
    """Refuse the values that are not taken: by name if Stripe takes them, in Stripe's words if not."""
    for label, values in VALUES.get(endpoint, {}).items():
        value: Any = given
        for part in _PARTS.findall(label):
            value = value.get(part) if isinstance(value, dict) else None
        values = _OLDER_PAGES if values is _PAGES and is_older else values
        if value in (None, "", *values.taken):
            continue
        if value in values.lacking:
            raise unsupported(label, value, values.taken)
        raise ApiError(f"Invalid {label}: must be one of {', '.join(values.taken + values.lacking)}", param=label)


def named(problem: ApiError, method: str, template: str) -> ApiError:
    """The refusal of an unknown parameter, or that of an unsupported one if Stripe knows it; any other as it is."""
    if problem.code == "parameter_unknown" and problem.param and has_parameter(method, template, problem.param):
        return unsupported(problem.param)
    return problem


def no_endpoint(method: str, path: str) -> ApiError:
    """The refusal of a path that is not here: 501 if Stripe has it, else 404 in Stripe's words."""
    if any(_matches(each, method, path) for each in _endpoints()):
        text = (
            f"The Kassa sandbox does not support {method} {path}, although Stripe does. Do without it, or use a Stripe"
            " test key."
        )
        return ApiError(text, status=501, code="sandbox_unsupported", headers={"Stripe-Should-Retry": "false"})
    text = f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or docs/sandbox.md."
    return ApiError(text, status=404)


def _matches(endpoint: str, method: str, path: str) -> bool:
    verb, _, template = endpoint.partition(" ")
    wanted, parts = template.split("/"), path.rstrip("/").split("/")
    return verb == method and len(wanted) == len(parts) and all(map(_is_part, wanted, parts))


def _is_part(wanted: str, part: str) -> bool:
    return wanted in ("*", part)
