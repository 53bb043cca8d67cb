"""The sandbox's one Stripe account: what it is told to be like, and which restricted keys it has."""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from kassa.sandbox.errors import ApiError, Json

ACCOUNT_ID = "acct_1KassaSandbox"
_RESTRICTED = "rk_test_"
_PLACE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
TAX_RATES = {"DE": 19.0, "GB": 20.0, "US-CA": 7.25}
_PERMISSION = re.compile(r"rak_[a-z_]+_(read|write)")


def account_object() -> Json:
    """The account as Stripe shows it to its own key (Stripe docs: api/accounts)."""
    return {
        "id": ACCOUNT_ID,
        "object": "account",
        "business_profile": None,
        "business_type": None,
        "capabilities": {"card_payments": "active", "sepa_debit_payments": "active"},
        "charges_enabled": True,
        "country": "US",
        "default_currency": "usd",
        "details_submitted": True,
        "email": None,
        "payouts_enabled": True,
        "settings": None,
        "type": "standard",
    }


class Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the control page and `/sandbox/account` change; kept with the objects.

    `has_funds`: the balance pays refunds. `sends_thin_events`: each event is also sent as a thin one (Stripe docs:
    event-destinations#thin-events). `sends_charge_refund_updated`: beside `refund.updated`, as for some of Stripe's
    accounts (Stripe docs: refunds#refund-events). `restricted_keys`: the permissions of each, such as
    `rak_dispute_read`. `tax_rates`: the per cent of automatic tax by country, or by country and state (`US-CA`);
    anywhere else none is collected. `tax_behavior`: what an unspecified one of a price stands for (Stripe docs:
    api/tax/settings/object#tax_settings_object-defaults-tax_behavior); None refuses such prices.
    """

    has_funds: bool = True
    sends_thin_events: bool = False
    sends_charge_refund_updated: bool = False
    restricted_keys: dict[str, tuple[str, ...]] = {}
    tax_rates: dict[str, float] = msgspec.field(default_factory=lambda: dict(TAX_RATES))
    tax_behavior: Literal["exclusive", "inclusive", "inferred_by_currency"] | None = "inferred_by_currency"

    def changed(self, given: Json) -> Account:
        """The account with what is given; `ApiError` 400 if that makes no sense."""
        try:
            account = msgspec.convert({**msgspec.to_builtins(self), **given}, Account)
        except msgspec.ValidationError as problem:
            raise ApiError(f"The account cannot be like that: {problem}.") from problem
        for key, permissions in account.restricted_keys.items():
            if not key.startswith(_RESTRICTED) or len(key) < len(_RESTRICTED) + 4:
                raise ApiError(f"A restricted key is {_RESTRICTED} and at least 4 characters.", param="restricted_keys")
            for permission in permissions:
                if not _PERMISSION.fullmatch(permission):
                    text = f"There is no permission {permission}; they are called like rak_dispute_read."
                    raise ApiError(text, param="restricted_keys")
        for place, percent in account.tax_rates.items():
            if not _PLACE.fullmatch(place) or not 0 <= percent <= 100:
                text = "A tax rate is from 0 to 100 per cent, of a country (DE) or of a state in one (US-CA)."
                raise ApiError(text, param="tax_rates")
        return account

    def shown(self) -> Json:
        """As JSON. The keys of a sandbox open nothing else, so they are shown."""
        told: dict[str, Any] = msgspec.to_builtins(self)
        return told


_decoder = msgspec.json.Decoder(Account)


def read_account(stored: str | None) -> Account:
    """The account as it was kept; a new one if nothing was."""
    return _decoder.decode(stored) if stored else Account()


def stored_account(account: Account) -> str:
    """The account as it is kept."""
    return msgspec.json.encode(account).decode()
