"""No parameter of Stripe's is ignored: each is taken or refused by name, and so is each endpoint.

Each parameter in the installed SDK's list is sent, alone, with a call that is right without it. The handlers are called
as the API calls them, with parameters that note which of them were looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import apsw
import pytest

from kassa.sandbox import api, known, tables
from kassa.sandbox.call import Call
from kassa.sandbox.config import Clock, SandboxConfig
from kassa.sandbox.errors import ApiError
from kassa.sandbox.reading import LISTINGS
from kassa.sandbox.routes import reads, writes
from tests.sandbox import stripe_api
from tests.sandbox.world import World

Json = dict[str, Any]
LIST = stripe_api.kept()
OWN = {endpoint: tree for endpoint, tree in LIST.items() if tree is not None}
NONSENSE = "x"
ADDRESS = {"line1": "1 Main St"}
PRICE: Json = {"currency": "usd", "unit_amount": "500"}
CARD: Json = {"number": "4242424242424242", "exp_month": "12", "exp_year": "40"}
# What a section needs beside the parameter that is tried, by the section's name.
BESIDE: dict[str, Json] = {
    "automatic_payment_methods": {"enabled": "true"},
    "default_price_data": PRICE,
    "payment_method_data": {"type": "card", "card": CARD},
    "product_data": {"name": "Mug"},
    "maximum": {"unit": "day", "value": "3"},
    "minimum": {"unit": "day", "value": "2"},
    "fixed_amount": {"amount": "500", "currency": "usd"},
    "recurring": {"interval": "month"},
    "shipping": {"name": "Ada", "address": ADDRESS},
}
INSTEAD = ("payment_method", "product")
"""What is named, or described by the parameter of this name and `_data`."""
RATE: Json = {"display_name": "Post", "fixed_amount": BESIDE["fixed_amount"]}
BESIDE["shipping_rate_data"] = RATE
LINE: Json = {"price_data": {**PRICE, "product_data": {"name": "Mug"}}, "quantity": "1"}
NEW: dict[str, Json] = {
    "/v1/checkout/sessions": {"mode": "payment", "success_url": "http://shop.test/", "line_items": [LINE]},
    "/v1/coupons": {"percent_off": "10"},
    "/v1/customers": {},
    "/v1/payment_intents": {"amount": "500", "currency": "usd", "confirm": "true", "payment_method": "pm_card_visa"},
    "/v1/payment_methods": {"type": "card", "card": CARD},
    "/v1/prices": {**PRICE, "product": "prod_1"},
    "/v1/products": {"name": "Mug", "id": "prod_1"},
    "/v1/refunds": {"charge": "", "amount": "100"},
    "/v1/shipping_rates": RATE,
    "/v1/tax_rates": {"display_name": "VAT", "percentage": "19", "inclusive": "false"},
    "/v1/test_helpers/test_clocks": {"frozen_time": "1"},
    "/v1/webhook_endpoints": {"url": "http://localhost/", "enabled_events": ["*"]},
}
# What calls about an object need besides.
MORE: dict[str, Json] = {
    "POST /v1/payment_intents/*/confirm": {"payment_method": "pm_card_visa"},
    "POST /v1/payment_methods/*/attach": {},
    "POST /v1/test_helpers/test_clocks/*/advance": {"frozen_time": "4000000000"},
}


KINDS = {listing.path: listing.kind for listing in LISTINGS}


class Noting(dict[str, Any]):
    """Parameters that note which of them were looked at."""

    def __init__(self, given: Json) -> None:
        super().__init__({name: _noting(value) for name, value in given.items()})
        self.seen: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.seen.add(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> Any:
        self.seen.add(key)
        return super().__getitem__(key)

    def items(self) -> Any:
        self.seen.update(self)
        return super().items()


def _noting(value: Any) -> Any:
    if isinstance(value, list):
        return [_noting(each) for each in value]
    return Noting(value) if isinstance(value, dict) else value


class Core:
    """The sandbox without a server, with one object of each kind in it. Nothing that is tried stays."""

    def __init__(self) -> None:
        connection = apsw.Connection(":memory:")
        connection.execute(tables.SCHEMA)
        self.tx = tables.Tx(connection, Clock())
        self._reads = reads()
        self._writes = writes(lambda: "http://sandbox.test", SandboxConfig(Path("unused.db")))
        self.new = deepcopy(NEW)
        for path in (each for each in NEW if each not in ("/v1/prices", "/v1/refunds")):
            self.ask("POST", path, "", self.new[path])
        self.ask("POST", "/v1/prices", "", self.new["/v1/prices"])
        disputed = {**NEW["/v1/payment_intents"], "payment_method": "pm_card_createDisputeInquiry"}
        self.ask("POST", "/v1/payment_intents", "", disputed)
        fraud = {**disputed, "payment_method": "pm_card_createIssuerFraudRecord"}
        self.ask("POST", "/v1/payment_intents", "", fraud)
        self.new["/v1/refunds"]["charge"] = self.id_of("charge")
        self.ask("POST", "/v1/refunds", "", self.new["/v1/refunds"])
        del self.new["/v1/products"]["id"]
        for path, given in (
            ("/v1/payment_intents", {"amount": "500", "currency": "usd"}),
            ("/v1/customers", {"payment_method": "pm_card_visa"}),
            ("/v1/products", {"name": "Cup"}),
        ):
            self.ask("POST", path, "", given)

    def id_of(self, kind: str, newest: bool = True) -> str:
        order = "DESC" if newest else "ASC"
        return str(self.tx.rows(f"SELECT id FROM object WHERE kind = ? ORDER BY seq {order} LIMIT 1", kind)[0][0])

    def ask(self, method: str, template: str, object_id: str, given: Json) -> Any:
        """A call as the API carries it out: None, or the refusal."""
        call = Call(method, template.replace("*", object_id), given, "req_1", object_id)
        try:
            if method == "GET":
                self._reads[template](self.tx, call)
                return None
            answer = api.run(self.tx, self._writes[method, template], call, None)
        except ApiError as problem:
            return known.named(problem, method, template).body()["error"]
        return None if answer.status == 200 else tables.decode(answer.body)["error"]

    def try_out(self, endpoint: str, given: Json) -> Any:
        method, _, template = endpoint.partition(" ")
        offset = self.tx.clock.offset
        self.tx.connection.execute("BEGIN")
        try:
            return self.ask(method, template, self._subject(template), given)
        finally:
            self.tx.connection.execute("ROLLBACK")
            self.tx.forget()
            self.tx.clock.offset = offset

    def base(self, endpoint: str) -> Json:
        method, _, template = endpoint.partition(" ")
        if method == "POST" and template in NEW:
            return deepcopy(self.new[template])
        more = deepcopy(MORE.get(endpoint, {}))
        if endpoint.endswith("/attach"):
            more["customer"] = self.id_of("customer")
        return more

    def _subject(self, template: str) -> str:
        if "*" not in template:
            return ""
        is_thin = template.startswith("/v2/")
        kind = "event" if is_thin else KINDS[template.partition("/*")[0]]
        # The newest payment method is attached; the first is not.
        found = self.id_of(kind, newest=not template.endswith("/attach"))
        return found.replace("evt_1", "evt_test_65", 1) if is_thin else found


@pytest.fixture(scope="module")
def core() -> Core:
    return Core()


def test_what_the_sandbox_keeps_of_stripes_list_is_the_installed_sdks() -> None:
    text = stripe_api.as_text(LIST)
    assert known.FILE.read_text() == text, "run python -m tests.sandbox.stripe_api"
    own = {f"GET {path}" for path in reads()} | {
        f"{verb} {path}" for verb, path in writes(str, SandboxConfig(Path("unused.db")))
    }
    of_pages_and_cli = {"GET /v1/payment_pages/*", "POST /v1/payment_pages/*/confirm", "POST /v1/events/*/retry"}
    assert own - OWN.keys() == of_pages_and_cli
    assert len(LIST) > 600


def paths_of(tree: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Each parameter as the names that lead to it."""
    if tree == known.FREE:
        yield (*above, "key")
    elif not tree:
        yield above
    else:
        for name, below in tree.items():
            yield from paths_of(below, (*above, "0" if name == known.EACH else name))


def with_parameter(base: Json, path: tuple[str, ...]) -> Json:
    """The call with one more parameter, and with what its sections need."""
    given: Any = base
    for name in (name for name in INSTEAD if path[0] == f"{name}_data"):
        base.pop(name, None)
    for name, following in zip(path, (*path[1:], ""), strict=True):
        key: Any = name
        if isinstance(given, list):
            key = 0
            given.extend([None] * (not given))
        known_value = given[0] if key == 0 else given.get(key)
        if not following:
            given[key] = NONSENSE
        elif not isinstance(known_value, dict | list):
            given[key] = [] if following == "0" else deepcopy(BESIDE.get(name, {}))
        given = given[key]
    return base


def label_of(path: tuple[str, ...]) -> str:
    return path[0] + "".join(f"[{name}]" for name in path[1:])


def was_seen(given: Any, path: tuple[str, ...]) -> bool:
    for name in path:
        if isinstance(given, list):
            given = given[int(name)]
        elif name not in given.seen:
            return False
        else:
            given = dict.get(given, name)
    return True


@pytest.mark.parametrize("endpoint", OWN)
def test_each_parameter_of_stripes_is_taken_or_refused_by_name(core: Core, endpoint: str) -> None:
    assert core.try_out(endpoint, core.base(endpoint)) is None, "the call itself is right"
    for path in (path for path in paths_of(OWN[endpoint]) if path):
        given = _noting(with_parameter(core.base(endpoint), path))
        refused = core.try_out(endpoint, given)
        label = label_of(path)
        if refused is None:
            assert was_seen(given, path), f"{label} is ignored"
        else:
            assert refused.get("code") != "parameter_unknown", f"{label}: {refused}"
            assert label.startswith(_plain(refused.get("param", "?"))), f"{label}: {refused}"


def _plain(param: str) -> str:
    return re.sub(r"\[key\]$", "", param)


@pytest.mark.parametrize("endpoint", OWN)
def test_what_stripe_does_not_have_is_unknown_in_every_section(core: Core, endpoint: str) -> None:
    sections = {path[:-1] for path in paths_of(OWN[endpoint]) if path and path[-1] not in ("0", "key")} | {()}
    for section in sections:
        path = (*section, "colour")
        refused = core.try_out(endpoint, with_parameter(core.base(endpoint), path))
        label = label_of(path)
        assert refused is not None, f"{label} is ignored"
        # A section that is refused as a whole is refused by its own name.
        param = label if refused.get("code") == "parameter_unknown" or not section else label_of(section)
        assert param.startswith(refused["param"]), f"{label}: {refused}"
        assert section or refused["code"] == "parameter_unknown", f"{label}: {refused}"


async def test_an_endpoint_of_stripes_is_unsupported_and_any_other_unrecognized(world: World) -> None:
    for endpoint in (each for each, tree in LIST.items() if tree is None):
        method, _, template = endpoint.partition(" ")
        path = template.replace("*", "id_1")
        status, answer = await world.raw(method, path)
        assert (status, answer["error"]["code"]) == (501, "sandbox_unsupported"), endpoint
        assert f"{method} {path}" in answer["error"]["message"]
    for method, path in (("GET", "/v1/moons"), ("DELETE", "/v1/charges/ch_1"), ("POST", "/v1/charges/ch_1/x/y")):
        status, answer = await world.raw(method, path)
        assert (status, answer["error"]["message"].split(".")[0]) == (
            404,
            f"Unrecognized request URL ({method}: {path})",
        )
