"""`/sandbox`: the control page for people. Each button is one order of `/sandbox/…`, sent as a form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from kassa.sandbox import faults
from kassa.sandbox.config import API_VERSION
from kassa.sandbox.control import MODES, Control
from kassa.sandbox.delivery import Deliveries
from kassa.sandbox.errors import ApiError, Json
from kassa.sandbox.http import Answer, Request
from kassa.sandbox.rendering import Rendering, redirect
from kassa.sandbox.store import Store
from kassa.sandbox.tables import Page, decode

_SHOWN = 12
_NUMBERS = {"delay", "per_second", "seconds", "skew", "times"}
_FLAGS = {"has_funds", "late", "sends_charge_refund_updated", "sends_thin_events"}
_REFUSED = "refused"
_BEHAVIORS = ("exclusive", "inclusive", "inferred_by_currency", _REFUSED)
_CALLS = (
    "POST /v1/checkout/sessions",
    "GET /v1/checkout/sessions/*",
    "POST /v1/checkout/sessions/*/expire",
    "POST /v1/refunds",
    "GET /v1/events",
    "POST /c/pay/*",
    "* *",
)
_DELIVERIES = "SELECT state, answer, count(*) FROM delivery WHERE event = ? GROUP BY 1, 2 ORDER BY 1, 2"
_STATES = {"pending": "tries", "delivered": "delivered", "failed": "given up", "dropped": "dropped"}


class ControlPage:
    """Shows the page and carries out what is pressed there."""

    def __init__(self, store: Store, control: Control, deliveries: Deliveries, rendering: Rendering) -> None:
        self._store = store
        self._control = control
        self._deliveries = deliveries
        self._rendering = rendering

    async def answer(self, request: Request) -> Answer:
        """Answer a call of `/sandbox` or below `/sandbox/form/`."""
        if request.method != "POST":
            return await self._show("", 200)
        try:
            _check_origin(request)
            value = await self._control.carry_out("POST", request.path.removeprefix("/sandbox/form/"), _fields(request))
        except ApiError as problem:
            return await self._show(problem.message, problem.status)
        if "secret" in value:
            text = f"The new signing secret is {value['secret']}. For a day the old one signs as well."
            return await self._show(text, 200)
        return redirect("/sandbox")

    async def _show(self, message: str, status: int) -> Answer:
        account = self._store.reader.account
        return self._rendering.page(
            "control.html",
            status,
            message=message,
            is_error=status != 200,
            version=API_VERSION,
            state=await self._control.carry_out("GET", "state", {}),
            deliveries={"delay": self._deliveries.delay, "skew": self._deliveries.skew},
            endpoints=self._latest("webhook_endpoint"),
            sessions=self._latest("checkout.session"),
            charges=[self._with_dispute(charge) for charge in self._latest("charge")],
            events=[self._with_deliveries(event) for event in self._latest("event")],
            kinds=faults.KINDS,
            modes=MODES,
            calls=_CALLS,
            tax_rates=", ".join(f"{place} {percent:g}" for place, percent in account.tax_rates.items()),
            behaviors=_BEHAVIORS,
        )

    def _latest(self, kind: str) -> list[Json]:
        return [decode(body) for body in self._store.reader.page(kind, Page("", (), _SHOWN))[0]]

    def _with_dispute(self, charge: Json) -> Json:
        bodies, _ = self._store.reader.page("dispute", Page(" AND charge = ?", (charge["id"],), 1))
        return {**charge, "dispute": decode(bodies[0]) if bodies else None}

    def _with_deliveries(self, event: Json) -> Json:
        rows = self._store.reader.rows(_DELIVERIES, event["id"])
        told = [
            _STATES[state] + (f" ({answer})" if answer else "") + (f" × {n}" if n > 1 else "")
            for state, answer, n in rows
        ]
        return {**event, "deliveries": ", ".join(told)}


def moment(seconds: float) -> str:
    """A time for people, in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"


def span(seconds: float) -> str:
    """A length of time for people."""
    return str(timedelta(seconds=round(seconds)))


def _fields(request: Request) -> Json:
    fields: dict[str, Any] = dict(parse_qsl(request.body.decode("utf-8", "replace")))
    if b"tax_rates=" in request.body:  # An empty one takes all rates away.
        fields.setdefault("tax_rates", "")
    for name in _NUMBERS & fields.keys():
        try:
            number = float(fields[name])
        except ValueError as problem:
            raise ApiError(f"`{name}` is a number.", param=name) from problem
        fields[name] = int(number) if number.is_integer() else number
    for name in _FLAGS & fields.keys():
        fields[name] = fields[name] == "true"
    if "tax_rates" in fields:
        fields["tax_rates"] = _tax_rates(fields["tax_rates"])
    if fields.get("tax_behavior") == _REFUSED:
        fields["tax_behavior"] = None
    return fields


def _tax_rates(text: str) -> dict[str, float]:
    """`DE 19, US-CA 7.25` as numbers by place."""
    rates: dict[str, float] = {}
    for each in filter(None, (part.strip() for part in text.split(","))):
        place, _, percent = each.partition(" ")
        try:
            rates[place] = float(percent)
        except ValueError as problem:
            raise ApiError("Tax rates are written like this: DE 19, US-CA 7.25.", param="tax_rates") from problem
    return rates


def _check_origin(request: Request) -> None:
    """Another site's page must not press these buttons in somebody's browser."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise ApiError("This order came from another site's page.", status=403)
