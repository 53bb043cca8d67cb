"""A shop whose Stripe key lacks a right says so to whoever watches it, in a process that takes orders and in one of its
own."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.app.process import Running, kassa, started
from tests.sandbox.world import PERMISSIONS
from tests.support import OWN_SECRETS, WEBHOOK_SECRET

KEY = "rk_test_of_a_shop"
ADMIN = {"email": "admin@shop.example", "password": "correct horse battery"}
BUYER = {"email": "buyer@shop.example", "password": "correct horse battery"}


@pytest.fixture(scope="module")
def stripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The sandbox as a Stripe elsewhere."""
    with started(tmp_path_factory.mktemp("stripe"), "sandbox") as running:
        running.wait_until_ready("/sandbox")
        yield running


def allow(stripe: Running, *rights: str) -> dict[str, str]:
    """The settings of a shop whose key has these rights."""
    given = {"restricted_keys": {KEY: rights}}
    httpx.post(f"{stripe.url}/sandbox/account", json=given, trust_env=False).raise_for_status()
    return {"STRIPE_SECRET_KEY": KEY, "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET, "STRIPE_API_BASE": stripe.url}


def told(shop: Running) -> str:
    """Which rights it is not ready for want of, once it says so."""
    for _ in range(100):
        answer: Any = httpx.get(f"{shop.url}/ready", trust_env=False).json()
        if "stripe" in answer.get("failing", []):
            return str(answer["reasons"]["stripe"])
        time.sleep(0.1)
    raise AssertionError(answer)


def test_a_right_that_goes_missing_is_told_with_the_first_buyer(stripe: Running, tmp_path: Path) -> None:
    settings = allow(stripe, *PERMISSIONS)
    with (
        started(tmp_path, "up", "--sample", **settings) as shop,
        httpx.Client(base_url=shop.url, trust_env=False) as http,
    ):
        shop.wait_until_ready()
        assert (
            kassa(tmp_path, "admin", "create", ADMIN["email"], KASSA_ADMIN_PASSWORD=ADMIN["password"]).returncode == 0
        )
        admin = {"Authorization": f"Bearer {http.post('/auth/login', json=ADMIN).json()['token']}"}
        http.headers["Authorization"] = f"Bearer {http.post('/auth/register', json=BUYER).json()['token']}"
        product = http.get("/products?limit=1").json()["products"][0]["id"]
        order = http.post("/orders", json={"items": [{"productId": product, "quantity": 1}]}).json()["order"]["id"]
        allow(stripe, *PERMISSIONS[1:])
        refused = http.post("/payments/create-session", json={"orderId": order})
        assert (refused.status_code, refused.json()["code"]) == (502, "stripe_key_refused")
        assert "rak_" not in refused.text
        notices = http.get("/payments/admin/attention", headers=admin).json()["notices"]
        assert [each["kind"] for each in notices] == ["rights_missing"] * 2
        for access, notice in zip(("read", "write"), notices, strict=True):
            assert f"({access} Checkout Sessions)" in notice["text"]
            assert f"'rak_checkout_session_{access}'" in notice["text"]
            assert notice["text"] in told(shop)
        ill = kassa(tmp_path, "doctor", **settings)
        assert "✗ Stripe key: may not do all that the shop does (Stripe has refused the key since" in ill.stdout
        assert "(write Checkout Sessions)" in ill.stdout
        allow(stripe, *PERMISSIONS)
        well = kassa(tmp_path, "doctor", **settings)
        assert "✓ Stripe key: may do all that the shop does" in well.stdout
        # What it cannot look at it does not tick.
        assert "✗ webhook endpoint: could not be compared (Stripe: The provided key" in well.stdout
        assert "'rak_webhook_read'" in well.stdout
        shop.wait_until_ready()
        assert http.post("/payments/create-session", json={"orderId": order}).status_code == 200
        assert http.get("/payments/admin/attention", headers=admin).json()["notices"] == []


def test_what_waits_for_a_right_is_shown_and_named_by_reconcile(stripe: Running, tmp_path: Path) -> None:
    settings = allow(stripe, *PERMISSIONS)
    with (
        started(tmp_path, "up", "--sample", **settings) as shop,
        httpx.Client(base_url=shop.url, trust_env=False) as http,
    ):
        shop.wait_until_ready()
        kassa(tmp_path, "admin", "create", ADMIN["email"], KASSA_ADMIN_PASSWORD=ADMIN["password"])
        http.headers["Authorization"] = f"Bearer {http.post('/auth/login', json=ADMIN).json()['token']}"
        product = http.get("/products?limit=1").json()["products"][0]["id"]
        order = http.post("/orders", json={"items": [{"productId": product, "quantity": 1}]}).json()["order"]["id"]
        assert http.post("/payments/create-session", json={"orderId": order}).status_code == 200
        allow(stripe, "rak_checkout_session_read", *PERMISSIONS[1:])
        assert http.post(f"/orders/{order}/cancel").status_code == 202
        (waiting,) = http.get("/orders/admin/attention").json()["waiting"]
        assert (waiting["orderId"], waiting["kind"]) == (order, "close_payment")
        assert "'rak_checkout_session_write'" in waiting["error"]
        named = kassa(tmp_path, "reconcile", **settings)
        assert named.returncode == 1
        assert f"differs  {order}: close_payment waits, tried " in named.stdout
        assert "'rak_checkout_session_write'" in named.stdout
        allow(stripe, *PERMISSIONS)
        kassa(tmp_path, "reconcile", "--fix", **settings)
        assert http.get(f"/orders/{order}").json()["order"]["status"] == "CANCELLED"


def test_a_payment_service_of_its_own_tells_it_from_its_start(stripe: Running, tmp_path: Path) -> None:
    names = ("auth", "product", "inventory", "order")
    elsewhere = {f"{name.upper()}_SERVICE_URL": "http://127.0.0.1:1" for name in names}
    secrets = OWN_SECRETS
    settings = {**allow(stripe, *PERMISSIONS[:-1]), **elsewhere, **secrets}
    with started(tmp_path, "serve", "payment", **settings) as payment:
        payment.wait_until_ready("/health")
        assert "'rak_event_read'" in told(payment)
