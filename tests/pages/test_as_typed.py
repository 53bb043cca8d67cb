"""A kind: whatever the shop refuses, the form comes back as it was typed."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from kassa.pages.client import ApiProblem, ShopClient
from tests.pages.conftest import Browser
from tests.pages.fake_shop import NOW, FakeShop
from tests.pages.test_console_profile import KNOWN
from tests.pages.test_console_roles import of_role, order_of

PLACE = {"name": "Ada", "country": "DE", "lines": ["Deich 1"], "city": "Oldenburg", "postalCode": "26133"}


@dataclass
class Form:
    """A form: where it goes, what is hidden in it, and what people see: fields by name, with the kind of each."""

    action: str
    hidden: dict[str, str] = field(default_factory=dict)
    seen: dict[str, tuple[str, str]] = field(default_factory=dict)
    least: dict[str, str] = field(default_factory=dict)


class Reader(HTMLParser):
    """The forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._area = self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "form":
            self.forms.append(Form(given.get("action", "")))
        elif not self.forms:
            return
        elif tag == "input" and name:
            kind, value = given.get("type", "text"), given.get("value", "")
            if kind == "hidden":
                self.forms[-1].hidden[name] = value
            elif kind in ("checkbox", "radio"):
                if kind == "checkbox":
                    self.forms[-1].seen[name] = (kind, value if "checked" in given else "")
            elif kind not in ("file", "password"):
                self.forms[-1].seen[name] = (kind, value)
                self.forms[-1].least[name] = given.get("min", "")
        elif tag == "textarea":
            self._area = name
            self.forms[-1].seen[name] = ("area", "")
        elif tag == "select":
            self._select = name
            self.forms[-1].seen[name] = ("select", "")
        elif tag == "option" and self._select and "selected" in given:
            self.forms[-1].seen[self._select] = ("select", given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        self._area = "" if tag == "textarea" else self._area
        self._select = "" if tag == "select" else self._select

    def handle_data(self, data: str) -> None:
        if self._area:
            kind, known = self.forms[-1].seen[self._area]
            self.forms[-1].seen[self._area] = (kind, known + data)


def forms_of(page: httpx.Response) -> list[Form]:
    reader = Reader()
    reader.feed(page.text)
    return [each for each in reader.forms if each.action.startswith("/console")]


def filled(form: Form) -> dict[str, str]:
    """Something in each field that people type into."""
    typed = {}
    for at, (name, (kind, value)) in enumerate(form.seen.items()):
        if kind == "number":
            typed[name] = "1"
        elif kind == "date":
            typed[name] = "2027-01-02"
        elif kind == "checkbox":
            typed[name] = "yes"
        elif kind == "select":
            typed[name] = value
        else:
            typed[name] = f"typed {at}"
    return typed


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: Any, **__: Any) -> Any:
        raise ApiProblem(422, "validation_failed", "x", errors={"nothing": "is as it should be"})

    monkeypatch.setattr(ShopClient, "send", refuse)


def rich_order(shop: FakeShop) -> str:
    """An order that has every form on its page."""
    order = order_of(shop, "CONFIRMED")
    (item,) = order["items"]
    pieces = [{"productId": item["productId"], "quantity": 1}]
    shop.payments[order["id"]] = "SUCCESS"
    returns = [
        {"id": f"rtn_{number}", "number": number, "items": pieces, "status": status}
        for number, status in ((1, "requested"), (2, "approved"))
    ]
    withdrawn = {"productId": item["productId"], "name": "Mug", "quantity": 1}
    withdrawal = {
        "number": 1, "name": "Ada", "email": "", "items": [withdrawn], "receivedAt": NOW, "refundBy": NOW,
        "amountMinor": 100, "currency": "usd", "status": "received",
    }  # fmt: skip
    order |= {"fulfilment": "partly", "leftToSend": pieces, "leftToReturn": pieces, "returns": returns}
    order |= {"destination": PLACE, "withdrawals": [withdrawal]}
    order_id: str = order["id"]
    return order_id


async def answered(staff: Browser, form: Form, typed: dict[str, str]) -> httpx.Response:
    """What comes of the form, confirmed if it asks first."""
    page = await staff.http.post(form.action, data={**form.hidden, **typed})
    if page.status_code == 200:
        (sure,) = [each for each in forms_of(page) if "confirmed" in each.hidden]
        shown = {name: value for name, (_, value) in sure.seen.items()}
        page = await staff.http.post(sure.action, data={**sure.hidden, **shown})
    return page


@pytest.mark.parametrize(
    "path",
    ["/orders/ORDER", "/products/new", "/products/PRODUCT", "/families/new", "/keys/new", "/endpoints/new",
     "/discounts/new", "/selling", "/selling/zones/new", "/selling/methods/new", "/selling/rates/new", "/shop",
     "/shop/en/imprint"],
)  # fmt: skip
async def test_a_form_that_is_refused_comes_back_as_it_was_typed(
    browser: Browser, shop: FakeShop, refusing: None, path: str
) -> None:
    product = shop.add("Teapot")
    shop.profile = KNOWN
    shop.selling.shown |= {"zones": [], "shippingMethods": [], "taxRates": []}
    path = path.replace("ORDER", rich_order(shop)).replace("PRODUCT", product)
    staff = await of_role(browser, shop, "admin")
    page = await staff.get(f"/console{path}")
    assert page.status_code == 200, page.text
    looked_at = 0
    for form in forms_of(page):
        typed = filled(form)
        if not typed:
            continue
        refused = await answered(staff, form, typed)
        assert refused.status_code in (400, 409, 422), (form.action, refused.status_code)
        same = [each for each in forms_of(refused) if each.action == form.action and each.seen.keys() == typed.keys()]
        shown = [{name: value.strip() for name, (_, value) in each.seen.items()} for each in same]
        assert typed in shown, form.action
        looked_at += 1
    assert looked_at
