"""What `kassa config` reads and writes: how the shop sells, and in it, as `shopProfile`, what it is known by."""

import sys
from collections.abc import Iterable
from typing import Any

import msgspec

from kassa.cli.trouble import Refusal
from kassa.kit.problem import FieldError, Invalid, Malformed
from kassa.kit.wire import decode, encode
from kassa.order import profile_checks, selling_checks
from kassa.order.profile import Profile
from kassa.order.profile_wire import ShopProfileIn, profile_shown
from kassa.order.selling import Selling
from kassa.order.selling_wire import SellingIn, selling_shown


class ConfigFile(SellingIn, frozen=True, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A file of former releases has no profile."""

    shop_profile: ShopProfileIn | None = None


def written(selling: Selling, profile: Profile, currency: str) -> str:
    """The file that says this; importing it changes nothing."""
    # Without the setting's name, which the file would make the profile's own.
    known = _without(profile_shown(profile, ""), "updated_at") | {"name": profile.name or None}
    told = _without(selling_shown(selling, currency, "rates"), "currency", "tax", "updated_at")
    return msgspec.json.format(encode(told | {"shopProfile": known}), indent=2).decode() + "\n"


def _without(shown: msgspec.Struct, *names: str) -> dict[str, Any]:
    """The members by their names on the wire, but for these."""
    fields = zip(shown.__struct_fields__, shown.__struct_encode_fields__, strict=True)
    return {wire: getattr(shown, name) for name, wire in fields if name not in names}


def read(content: bytes, name: str, currency: str) -> ConfigFile:
    """What a file of this name says. Refusal, after all that is wrong was told: neither half of it is written then."""
    try:
        given = decode(content, ConfigFile)
    except Malformed as malformed:
        raise Refusal(f"{name} is no JSON: {malformed.detail}") from None
    except Invalid as invalid:
        raise _wrong(invalid.errors, name) from None
    errors: list[FieldError] = []
    try:
        selling_checks.checked(given, currency, 0)
    except Invalid as invalid:
        errors += invalid.errors
    try:
        if given.shop_profile is not None:
            profile_checks.checked(given.shop_profile, 0)
    except Invalid as invalid:
        errors += [FieldError(f"shopProfile.{each.field}", each.message) for each in invalid.errors]
    if errors:
        raise _wrong(errors, name)
    return given


def _wrong(errors: Iterable[FieldError], name: str) -> Refusal:
    for error in errors:
        print(f"{error.field}: {error.message}", file=sys.stderr)
    return Refusal(f"nothing was changed: mend what is told above in {name}")
