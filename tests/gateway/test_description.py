"""The API's description says what the API does: real answers of a running shop are what it documents."""

import re
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import msgspec
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from kassa.app.files import sandbox_url
from kassa.app.web import HANDLERS
from kassa.gateway.description import described
from kassa.gateway.schemas import resolved
from kassa.kit.lists import CURSOR
from kassa.kit.money import minor, most_major
from kassa.kit.wire import encode
from tests.app.process import Running, kassa, started

Json = dict[str, Any]
PASSWORD = "correct horse battery"


FORMATS = FormatChecker(())


@FORMATS.checks("date-time")
def _is_a_time(text: object) -> bool:
    return text is None or re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(text)) is not None


@FORMATS.checks("date")
def _is_a_day(text: object) -> bool:
    return re.fullmatch(r"\d{4}-\d\d-\d\d", str(text)) is not None


class Shop:
    """A running shop that compares every answer with the description that it serves."""

    def __init__(self, running: Running, sandbox: str) -> None:
        self.http = httpx.Client(base_url=running.url, trust_env=False)
        self.sandbox = sandbox
        self.document: Json = self.http.get("/openapi.json").json()
        self.components = {name: _strict(schema) for name, schema in self.document["components"]["schemas"].items()}
        self.admin = self.log_in("admin@shop.example")
        account = {"email": "buyer@shop.example", "password": PASSWORD}
        self.buyer: str = self.ask("POST", "/auth/register", "/auth/register", account)["token"]

    def log_in(self, email: str) -> str:
        account = {"email": email, "password": PASSWORD}
        return str(self.ask("POST", "/auth/login", "/auth/login", account)["token"])

    def ask(
        self, method: str, template: str, path: str, body: Any = None, who: str = "", status: int | None = None
    ) -> Json:
        """The answer, after it was found to be what the document says of this endpoint, status and body."""
        operation = self.document["paths"][template][method.lower()]
        if body is not None:
            self.check(body, operation["requestBody"]["content"]["application/json"]["schema"])
        headers = {"Authorization": f"Bearer {who}"} if who else {}
        answer = self.http.request(method, path, json=body, headers=headers)
        assert status in (None, answer.status_code), answer.text
        assert status is not None or answer.is_success, answer.text
        said = operation["responses"][str(answer.status_code)]["content"][answer.headers["content-type"]]
        read: Json = msgspec.json.decode(answer.content)
        self.check(read, said["schema"])
        return read

    def check(self, instance: Any, schema: Json) -> None:
        whole = {**_strict(schema), "components": {"schemas": self.components}}
        Draft202012Validator(whole, format_checker=FORMATS).validate(instance)


def _strict(schema: Any) -> Any:
    """The schema, but a member that it does not name is an error."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {name: _strict(value) for name, value in schema.items()}
    # A problem may have members of its own (RFC 9457, 3.2).
    is_problem = "requestId" in schema.get("properties", {})
    return strict if is_problem or "properties" not in schema else {"additionalProperties": False, **strict}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    place = tmp_path_factory.mktemp("shop")
    with started(place, "up", "--sample", RATE_LIMIT="off") as running:
        running.wait_until_ready()
        made = kassa(place, "admin", "create", "admin@shop.example", KASSA_ADMIN_PASSWORD=PASSWORD)
        assert made.returncode == 0, made.stdout + made.stderr
        shop = Shop(running, sandbox_url(place / ".kassa") or "")
        yield shop
        shop.http.close()


@pytest.fixture(scope="module")
def document() -> Json:
    return described([handler for handlers in HANDLERS.values() for handler in handlers])


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def ordered(shop: Shop) -> tuple[str, str]:
    """A new product, and an order of it."""
    new = {"name": "Mug", "description": "Blue", "price": "19.99", "category": "things", "stock": 5}
    product_id = shop.ask("POST", "/products", "/products", new, shop.admin)["product"]["id"]
    asked = {"items": [{"productId": product_id, "quantity": 2}]}
    order = shop.ask("POST", "/orders", "/orders", asked, shop.buyer)["order"]
    assert (order["totalAmount"], order["totalAmountMinor"]) == (39.98, 3998)
    return product_id, order["id"]


def paid(shop: Shop, order_id: str) -> None:
    asked = {"orderId": order_id}
    session = shop.ask("POST", "/payments/create-session", "/payments/create-session", asked, shop.buyer)
    url = f"{shop.sandbox}/sandbox/sessions/{session['sessionId']}/pay"
    assert httpx.post(url, json={"card": "4242424242424242"}, trust_env=False).status_code == 200
    for _ in range(200):
        status = shop.ask("GET", "/orders/{order_id}", f"/orders/{order_id}", None, shop.buyer)["order"]["status"]
        if status == "CONFIRMED":
            return
        time.sleep(0.05)
    raise AssertionError(status)


def test_the_catalogue_and_the_stock_are_answered_as_described(shop: Shop) -> None:
    products = shop.ask("GET", "/products", "/products?limit=3")["products"]
    product_id = products[0]["id"]
    shop.ask("GET", "/products/{product_id}", f"/products/{product_id}")
    shop.ask("GET", "/inventory/{product_id}", f"/inventory/{product_id}")
    change = {"productId": product_id, "change": 3}
    shop.ask("POST", "/inventory/adjust", "/inventory/adjust", change, shop.admin)
    shop.ask("PUT", "/products/{product_id}", f"/products/{product_id}", {"price": 20.5}, shop.admin)


def test_an_order_is_paid_and_refunded_as_described(shop: Shop) -> None:
    _, order_id = ordered(shop)
    paid(shop, order_id)
    status = shop.ask("GET", "/payments/status/{order_id}", f"/payments/status/{order_id}", None, shop.buyer)
    assert (status["amount"], status["status"]) == (39.98, "SUCCESS")
    refund, path = "/payments/{order_id}/refund", f"/payments/{order_id}/refund"
    part = shop.ask("POST", refund, path, {"amount": 10.01, "reason": "chipped"}, shop.admin)["refund"]
    assert (part["amount"], part["amountMinor"]) == (10.01, 1001)
    assert shop.ask("POST", refund, path, None, shop.admin)["refund"]["amount"] == 29.97
    shop.ask("GET", "/orders/{order_id}/timeline", f"/orders/{order_id}/timeline", None, shop.buyer)


def test_figures_and_lists_are_answered_as_described(shop: Shop) -> None:
    _, order_id = ordered(shop)
    paid(shop, order_id)
    plain = [
        path
        for method, path, operation in operations(shop.document)
        if method == "get" and "{" not in path and operation["operationId"] not in ("verify", "securityTxt")
    ]
    assert len(plain) > 10
    for path in plain:
        shop.ask("GET", path, path, None, shop.admin)
    assert shop.ask("GET", "/auth/verify", "/auth/verify", None, shop.buyer)["valid"] is True


def test_refusals_are_answered_as_described(shop: Shop) -> None:
    product_id, order_id = ordered(shop)
    cancelled = shop.ask("POST", "/orders/{order_id}/cancel", f"/orders/{order_id}/cancel", None, shop.buyer)
    assert cancelled["order"]["status"] == "CANCELLED"
    too_many = {"items": [{"productId": product_id, "quantity": 99}]}
    shop.ask("POST", "/orders", "/orders", too_many, shop.buyer, 409)
    too_fine = {"name": "Mug", "description": "", "price": 19.999, "category": "things"}
    shop.ask("POST", "/products", "/products", too_fine, shop.admin, 422)
    shop.ask("POST", "/orders", "/orders", too_many, "", 401)
    closed = {"orderId": order_id}
    shop.ask("POST", "/payments/create-session", "/payments/create-session", closed, shop.buyer, 400)
    shop.ask("GET", "/orders/admin/all", "/orders/admin/all", None, shop.buyer, 403)
    shop.ask("GET", "/orders/{order_id}", "/orders/ord_x", None, shop.buyer, 404)
    shop.ask("GET", "/products", "/products", None, "no-token", 401)


def test_money_is_a_number_and_may_be_sent_as_a_text(document: Json) -> None:
    for name, schema in document["components"]["schemas"].items():
        for member, said in schema.get("properties", {}).items():
            if f"{member}Minor" in schema["properties"]:
                each = [one["type"] for one in said.get("anyOf", [said])]
                assert each in (["number"], ["number", "null"]), (name, member)
    for path, member in (("/products", "price"), ("/payments/{order_id}/refund", "amount")):
        body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        taken = resolved(body, document["components"]["schemas"])
        validator = Draft202012Validator(taken["properties"][member])
        good: list[Any] = [1, 19.99, "19.99", Decimal("1.5")]
        assert [value for value in (*good, True, []) if validator.is_valid(value)] == good


def test_times_and_days_say_that_they_are(document: Json) -> None:
    """But for a time that is sent back as it came: a client that reads it into a time of its own may spell it anew."""
    named = [(name, said) for each in document["components"]["schemas"].values() for name, said in properties_of(each)]
    instants = [(name, said) for name, said in named if name == "at" or name.endswith(("At", "By"))]
    times = [said for name, said in instants if not name.startswith("expected")]
    assert len(times) > 12
    assert all("date-time" in str(said) for said in times)
    assert all(said.get("format") == "date" for name, said in named if name == "date")


def properties_of(schema: Json) -> Iterator[tuple[str, Json]]:
    yield from schema.get("properties", {}).items()


def test_every_body_and_answer_has_an_example_that_it_allows(document: Json) -> None:
    count = 0
    for _, path, operation in operations(document):
        told = [operation.get("requestBody", {}), *operation["responses"].values()]
        for content in [content for each in told for content in each.get("content", {}).items()]:
            kind, said = content
            if kind != "application/json":
                continue
            whole = {**said["schema"], "components": document["components"]}
            example = msgspec.json.decode(encode(said["example"]))
            errors = list(Draft202012Validator(whole, format_checker=FORMATS).iter_errors(example))
            assert errors == [], path
            count += 1
    assert count > 40


def test_what_anybody_may_ask_says_so_and_all_else_names_what_it_needs(document: Json) -> None:
    secured = {(method, path): operation["security"] for method, path, operation in operations(document)}
    assert {each for each, wants in secured.items() if wants == []} == {
        ("post", "/auth/register"),
        ("post", "/auth/login"),
        ("post", "/auth/login/second-factor"),
        ("post", "/auth/refresh"),
        ("post", "/auth/logout"),
        ("post", "/auth/password/forgotten"),
        ("post", "/auth/password/reset"),
        ("get", "/.well-known/jwks.json"),
        ("get", "/.well-known/security.txt"),
        ("get", "/auth/ended"),
        ("post", "/stock-notices"),
        ("get", "/stock-notices/{token}"),
        ("delete", "/stock-notices/{token}"),
        ("post", "/stock-notices/{token}/confirm"),
        ("delete", "/stock-notices/{token}/{notice_id}"),
        ("get", "/products"),
        ("get", "/products/categories"),
        ("get", "/products/facets"),
        ("get", "/products/suggest"),
        ("get", "/products/{product_id}"),
        ("get", "/families"),
        ("get", "/families/{family_id}"),
        ("get", "/pictures/{name}"),
        ("get", "/inventory/{product_id}"),
        ("post", "/quotes"),
        ("get", "/selling"),
        ("get", "/selling/destinations"),
        ("get", "/shop-profile"),
    }
    assert secured["post", "/payments/webhook"] == [{"stripe": []}]
    assert secured["post", "/orders"] == [{"token": []}, {}]
    assert secured["post", "/products"] == [{"token": []}, {"key": []}]
    assert secured["post", "/auth/keys"] == [{"token": []}]


def test_no_number_in_an_address_is_too_large_to_be_answered(shop: Shop, document: Json) -> None:
    asked = []
    for method, path, operation in operations(document):
        numbers = [each["name"] for each in operation.get("parameters", []) if "integer" in str(each["schema"])]
        for name in numbers if method == "get" and "{" not in path else ():
            answer = shop.http.get(path, params={name: 10**30}, headers={"Authorization": f"Bearer {shop.admin}"})
            asked.append((path, name, answer.status_code))
    assert ("/orders/admin/all", "number", 422) in asked
    assert [each for each in asked if each[2] >= 500] == []


def test_what_bounds_money_is_the_shop_s_currency() -> None:
    handlers = [handler for handlers in HANDLERS.values() for handler in handlers]
    taken = {"usd": ("0.01", "19.990"), "jpy": ("1", "5.0"), "kwd": ("0.01", "1.230")}
    for currency, texts in taken.items():
        good = (*texts, str(int(most_major(currency))))
        price = described(handlers, currency)["components"]["schemas"]["NewProduct"]["properties"]["price"]
        validator = Draft202012Validator(price)
        for text in good:
            assert minor(Decimal(text), currency) > 0
            assert validator.is_valid(text)
        for text in ("0", "0.00", "", "1e400", "0.001", f"1{int(most_major(currency))}", "NaN", "-1"):
            assert not validator.is_valid(text), (currency, text)
        for number in (0, -1, 5e-324, 0.009, *((1.5,) if currency == "jpy" else ())):
            assert not validator.is_valid(number), (currency, number)
        for number in (float(good[0]), 3, 3.0, *(() if currency == "jpy" else (19.99,))):
            assert validator.is_valid(number), (currency, number)


def test_a_body_is_required_but_where_nothing_need_be_said(document: Json) -> None:
    bodies = {path: each["requestBody"]["required"] for _, path, each in operations(document) if "requestBody" in each}
    assert {path for path, is_required in bodies.items() if not is_required} == {
        "/payments/{order_id}/refund",
        "/orders/{order_id}/shipments",
        "/orders/{order_id}/returns/{number}/decline",
        "/orders/{order_id}/returns/{number}/receive",
        "/orders/{order_id}/returns/{number}/close",
    }
    assert len(bodies) > 10


def test_every_endpoint_says_what_it_does_in_words(document: Json) -> None:
    names = [operation["operationId"] for *_, operation in operations(document)]
    assert len(names) == len(set(names))
    assert {"placeOrder", "createSession", "listProducts"} <= set(names)
    for _, path, operation in operations(document):
        assert " " in operation["summary"], path
        assert operation["description"].startswith(operation["summary"]), path


def test_each_endpoint_documents_its_own_refusals(document: Json) -> None:
    paths = document["paths"]
    said = {(method, path): set(each["responses"]) for method, path, each in operations(document)}
    assert said["get", "/orders"] == {"200", "401", "403", "422", "429", "503"}
    assert said["post", "/orders/{order_id}/cancel"] >= {"200", "202", "409", "413"}
    assert said["post", "/payments/create-session"] >= {"200", "400", "404", "413", "502", "503"}
    assert "insufficient_stock" in paths["/orders"]["post"]["responses"]["409"]["description"]
    assert said["post", "/payments/webhook"] == {"200", "400", "413", "503"}


def test_an_idempotency_key_is_documented_where_it_is_honoured(document: Json) -> None:
    honoured = {
        (method, path)
        for method, path, operation in operations(document)
        if any(each["name"] == "Idempotency-Key" for each in operation.get("parameters", []))
    }
    assert honoured == {
        ("post", "/products"),
        ("post", "/families"),
        ("post", "/inventory/init"),
        ("post", "/inventory/adjust"),
        ("post", "/discounts"),
        ("post", "/orders"),
        ("post", "/orders/{order_id}/cancel"),
        ("post", "/orders/{order_id}/shipments"),
        ("post", "/orders/{order_id}/shipments/{number}/delivered"),
        ("post", "/orders/{order_id}/shipments/{number}/cancel"),
        ("post", "/orders/{order_id}/hold"),
        ("post", "/orders/{order_id}/release"),
        ("post", "/orders/{order_id}/returns"),
        ("post", "/orders/{order_id}/returns/{number}/approve"),
        ("post", "/orders/{order_id}/returns/{number}/decline"),
        ("post", "/orders/{order_id}/returns/{number}/receive"),
        ("post", "/orders/{order_id}/returns/{number}/close"),
        ("post", "/orders/{order_id}/withdrawals/{number}/close"),
        ("post", "/withdrawals"),
        ("post", "/payments/create-session"),
        ("post", "/payments/{order_id}/refund"),
        ("post", "/payments/{order_id}/disputes/{dispute_id}/evidence"),
    }


def test_lists_and_statuses_are_described_as_they_are(document: Json) -> None:
    parameters = {each["name"]: each["schema"] for each in document["paths"]["/orders"]["get"]["parameters"]}
    assert parameters["limit"] == {"type": "integer", "default": 20, "minimum": 1, "maximum": 100}
    assert parameters["status"]["enum"] == ("PENDING", "CONFIRMED", "CANCELLED", "FAILED", "REFUNDED")
    assert parameters["cursor"] == {"type": "string", "pattern": CURSOR}
