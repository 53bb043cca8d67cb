"""A service speaks for itself alone."""

import base64
import itertools
from collections.abc import Callable, Mapping

import pytest

from kassa.app.settings import SettingError, read_settings
from kassa.kit.problem import Forbidden
from kassa.kit.service_keys import ServiceIdentity, ServiceKeys, new_pair, read_key

SECRET = "s" * 32
NAMES = ("order", "payment", "inventory")
PAIRS = {name: [read_key(key) for key in new_pair()] for name in NAMES}
PUBLIC = {name: (public,) for name, (_, public) in PAIRS.items()}


def identity(
    name: str, *own: str, secret: str = "", public: Mapping[str, tuple[bytes, ...]] = PUBLIC
) -> ServiceIdentity:
    """`name`, in a process that has the private keys of `own`."""
    return ServiceIdentity(name, ServiceKeys(secret, {each: PAIRS[each][0] for each in own}, public))


def believes(callee: ServiceIdentity, headers: dict[str, str]) -> str:
    return callee.check(headers.get("x-internal-service"), headers.get("x-internal-token"), ("order",))


def test_each_signs_with_its_own_key_and_is_believed() -> None:
    inventory = identity("inventory", "inventory")
    headers = identity("order", "order").headers("inventory")
    for _ in range(2):
        assert believes(inventory, headers) == "order"


def test_none_can_sign_as_another() -> None:
    inventory = identity("inventory", "inventory")
    stolen = ServiceIdentity("order", ServiceKeys("", {"order": PAIRS["payment"][0]}, PUBLIC))
    forged = [
        stolen.headers("inventory"),
        {
            "x-internal-service": "order-service",
            "x-internal-token": identity("order", "payment").headers("x").get("t", ""),
        },
        ServiceIdentity("order", ServiceKeys(SECRET)).headers("inventory"),
    ]
    for headers in forged:
        with pytest.raises(Forbidden):
            believes(inventory, headers)


def test_who_has_no_key_signs_nothing() -> None:
    assert identity("order", "payment").headers("inventory") == {}


def test_the_way_from_one_secret_to_keys_refuses_nobody() -> None:
    """First all know the public keys, then each signs with its own, then the secret goes."""
    stages: list[Callable[[str], ServiceIdentity]] = [
        lambda name: ServiceIdentity(name, ServiceKeys(SECRET)),
        lambda name: identity(name, secret=SECRET),
        lambda name: identity(name, name, secret=SECRET),
        lambda name: identity(name, name),
    ]
    for before, after in itertools.pairwise(stages):
        for caller, callee in ((before, after), (after, before)):
            headers = caller("order").headers("inventory")
            assert believes(callee("inventory"), headers) == "order"


def test_a_key_is_renewed_while_both_are_known() -> None:
    private, public = map(read_key, new_pair())
    both = {**PUBLIC, "order": (*PUBLIC["order"], public)}
    renewed = ServiceIdentity("order", ServiceKeys("", {"order": private}, both))
    for order in (renewed, identity("order", "order")):
        headers = order.headers("inventory")
        assert believes(identity("inventory", "inventory", public=both), headers) == "order"


def test_keys_are_shown_nowhere() -> None:
    keys = ServiceKeys(SECRET, {"order": PAIRS["order"][0]}, PUBLIC)
    for text in (repr(keys), str(keys), f"{keys!s}"):
        assert SECRET not in text
        assert base64.b64encode(PAIRS["order"][0]).decode() not in text


@pytest.mark.parametrize("text", ["", "x", "AAAA", "é" * 8, base64.b64encode(b"k" * 31).decode()])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match="SERVICE_KEYS must be such as order:KEY"):
        read_settings({"SERVICE_KEYS": f"order:{text}"})
