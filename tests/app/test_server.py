"""Kassa as a process: it starts once, answers, and stops without losing anything."""

import asyncio
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest

from tests.app.process import PATIENCE, Running, free_port, kassa, started
from tests.support import OWN_SECRETS


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One shop with the sample catalogue, for the tests that only ask."""
    with started(tmp_path_factory.mktemp("shop"), "up", "--sample", RATE_LIMIT="off") as running:
        running.wait_until_ready()
        yield running


def get(shop: Running, path: str, accept: str = "application/json") -> httpx.Response:
    return httpx.get(shop.url + path, headers={"Accept": accept}, trust_env=False)


def test_it_says_where_it_is_and_that_no_real_money_moves(shop: Running) -> None:
    said = shop.log.read_text()
    for path in ("/", "/console", "/docs"):
        assert f"http://localhost:{shop.port}{path}\n" in said
    assert "no real money moves" in said
    assert "kassa admin create" in said


def test_it_is_alive_and_ready(shop: Running) -> None:
    assert get(shop, "/health").json()["status"] == "ok"
    assert get(shop, "/ready").json()["checks"] == {"database": "ok", "stock": "ok", "stripe": "ok"}
    assert get(shop, "/metrics").status_code == 404


def test_the_sample_catalogue_is_there_with_its_stock(shop: Running) -> None:
    products = get(shop, "/products?limit=100").json()["products"]
    assert len(products) > 20
    assert all(product["stock"] is not None for product in products)
    picture = get(shop, products[0]["images"][0])
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/svg+xml; charset=utf-8")


def test_people_get_pages_and_programs_get_problems(shop: Running) -> None:
    assert "text/html" in get(shop, "/", "text/html").headers["content-type"]
    missing = get(shop, "/no/such/page", "text/html")
    assert (missing.status_code, missing.headers["content-type"].partition(";")[0]) == (404, "text/html")
    for path, accept in (("/no/such/page", "application/json"), ("/orders/x/y/z", "text/html")):
        problem = get(shop, path, accept)
        assert (problem.status_code, problem.headers["content-type"]) == (404, "application/problem+json")
        assert problem.json()["requestId"] == problem.headers["x-request-id"]


def test_the_api_s_description_is_complete(shop: Running) -> None:
    document = get(shop, "/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    paths = document["paths"]
    for path in ("/auth/login", "/products", "/inventory/adjust", "/orders", "/payments/webhook"):
        assert path in paths, sorted(paths)
    assert not [path for path in paths if "internal" in path or path in ("/webhook", "/inventory/reserve")]
    operations = [(method, path, operation) for path, methods in paths.items() for method, operation in methods.items()]
    ids = [operation["operationId"] for *_, operation in operations]
    assert len(ids) == len(set(ids))
    for _, path, operation in operations:
        assert operation["summary"]
        assert len(operation["tags"]) == 1, path
        assert "application/problem+json" in operation["responses"]["503"]["content"]
    secured = {(method, path) for method, path, operation in operations if operation.get("security")}
    assert ("post", "/orders") in secured
    assert not secured & {("get", "/products"), ("post", "/auth/login")}


def test_the_docs_page_needs_neither_the_internet_nor_scripts_and_has_every_endpoint(shop: Running) -> None:
    page = get(shop, "/docs", "text/html")
    assert page.status_code == 200
    assert not re.search(r"<script|(src|href)=.https?:", page.text)
    for address in ("/docs", "/openapi.json"):
        sent = {
            coding: httpx.get(shop.url + address, headers={"Accept-Encoding": coding}, trust_env=False)
            for coding in ("gzip", "identity")
        }
        assert sent["gzip"].content == sent["identity"].content
        sizes = {coding: int(each.headers["Content-Length"]) for coding, each in sent.items()}
        assert sizes["gzip"] < sizes["identity"] / 5
        assert "Content-Encoding" not in sent["identity"].headers
    for path, operations in get(shop, "/openapi.json").json()["paths"].items():
        for verb, each in operations.items():
            assert f'id="{each["operationId"]}"' in page.text
            assert f"curl -X {verb.upper()} &#39;http://localhost:3000{path}&#39;" in page.text
    linked = set(re.findall(r'href="#([^"]+)"', page.text))
    assert linked <= set(re.findall(r'id="([^"]+)"', page.text))
    looks = get(shop, "/docs/page.css")
    assert (looks.status_code, looks.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert get(shop, "/docs/secrets.txt").status_code == 404


def test_a_second_server_on_the_same_data_is_refused_in_one_line(shop: Running) -> None:
    second = kassa(shop.log.parent, "up", "--port", str(free_port()))
    assert second.returncode == 1
    assert second.stdout == ""
    assert second.stderr.startswith("KASSA: another server")
    assert second.stderr.count("\n") == 1


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = kassa(tmp_path, "up", "--port", str(port))
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"KASSA: port {port} is taken")
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "url"), [("MONGO_URI", "mongodb://127.0.0.1:1"), ("REDIS_URL", "redis://127.0.0.1:1")]
)
def test_a_store_that_does_not_answer_is_named_with_its_setting(tmp_path: Path, name: str, url: str) -> None:
    refused = kassa(tmp_path, "up", "--port", str(free_port()), **{name: url})
    assert refused.returncode == 1
    assert name in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path, "up") as running:
        running.wait_until_ready()
        running.process.send_signal(number)
        assert running.process.wait(PATIENCE) == 0
        assert "Traceback" not in running.log.read_text()
    assert kassa(tmp_path, "audit").returncode == 0


def test_one_signal_that_is_passed_on_twice_stops_it_cleanly(tmp_path: Path) -> None:
    with started(tmp_path, "up") as running:
        running.wait_until_ready()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            running.process.send_signal(number)
            time.sleep(0.05)
        assert running.process.wait(PATIENCE) == 0


async def test_requests_in_flight_are_finished_when_it_is_told_to_stop(tmp_path: Path) -> None:
    with started(tmp_path, "up", "--sample", RATE_LIMIT="off") as running:
        await asyncio.to_thread(running.wait_until_ready)
        answered: list[int] = []
        cut: list[str] = []

        async def ask(client: aiohttp.ClientSession) -> None:
            # New connections each time: one that is refused was never accepted, one that is cut was lost.
            while running.process.poll() is None:
                try:
                    async with client.get(f"{running.url}/products?limit=50") as answer:
                        await answer.read()
                        answered.append(answer.status)
                except aiohttp.ClientConnectorError:
                    return
                except aiohttp.ClientError as error:
                    cut.append(repr(error))

        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as client:
            asking = [asyncio.create_task(ask(client)) for _ in range(8)]
            await _until(lambda: len(answered) > 50)
            running.process.terminate()
            assert await asyncio.to_thread(running.process.wait, PATIENCE) == 0
            await asyncio.gather(*asking)
    assert set(answered) == {200}
    # A connection that the system had accepted, but nobody had read from, may be closed unanswered.
    assert len(cut) <= 8
    assert "Traceback" not in running.log.read_text()


def test_services_that_run_apart_make_one_shop(tmp_path: Path) -> None:
    ports = {name: free_port() for name in ("auth", "product", "inventory", "order", "payment")}
    settings = {
        **{f"{name.upper()}_SERVICE_URL": f"http://127.0.0.1:{port}" for name, port in ports.items()},
        **OWN_SECRETS,
    }
    running = [_service(tmp_path, name, port, settings) for name, port in ports.items()]
    try:
        with started(tmp_path, "serve", "gateway", log="gateway.log", **settings) as gateway:
            gateway.wait_until_ready()
            account = {"email": "buyer@example.com", "password": "correct horse battery"}
            session = httpx.post(f"{gateway.url}/auth/register", json=account, trust_env=False).json()
            signed = {"Authorization": f"Bearer {session['token']}"}
            orders = httpx.get(f"{gateway.url}/orders", headers=signed, trust_env=False)
            assert (orders.status_code, orders.json()["orders"]) == (200, [])
            # An unknown product: the order service has asked the product service.
            body = {"items": [{"productId": "prd_01jd0000000000000000000000", "quantity": 1}]}
            refused = httpx.post(f"{gateway.url}/orders", json=body, headers=signed, trust_env=False)
            assert (refused.status_code, refused.json()["code"]) == (422, "unknown_product")
            assert refused.json()["requestId"] == refused.headers["x-request-id"]
            own = f"http://127.0.0.1:{ports['order']}"
            assert httpx.get(f"{own}/orders/ord_1/internal", trust_env=False).json()["code"] == "forbidden"
            assert 'route="/orders"' in httpx.get(f"{own}/metrics", trust_env=False).text
            assert httpx.get(f"{gateway.url}/docs", trust_env=False).status_code == 200
            _log_out(gateway, own, session)
            assert gateway.stop() == 0
    finally:
        for process in running:
            process.process.terminate()
        statuses = [process.process.wait(PATIENCE) for process in running]
    assert statuses == [0] * len(running)


def _log_out(gateway: Running, order_url: str, session: dict[str, Any]) -> None:
    """The gateway's next answer knows of it, and a second later every service by itself."""
    signed = {"Authorization": f"Bearer {session['token']}"}
    assert httpx.get(f"{order_url}/orders", headers=signed, trust_env=False).status_code == 200
    body = {"refreshToken": session["refreshToken"]}
    assert httpx.post(f"{gateway.url}/auth/logout", json=body, trust_env=False).status_code == 204
    assert httpx.get(f"{gateway.url}/orders", headers=signed, trust_env=False).status_code == 401
    time.sleep(1.1)
    assert httpx.get(f"{order_url}/orders", headers=signed, trust_env=False).status_code == 401


def test_some_services_may_run_apart_from_the_rest(tmp_path: Path) -> None:
    ports = {name: free_port() for name in ("product", "inventory")}
    secrets = OWN_SECRETS
    urls = {f"{name.upper()}_SERVICE_URL": f"http://127.0.0.1:{port}" for name, port in ports.items()}
    with started(tmp_path, "up", **secrets, **urls) as rest:
        settings = {**secrets, **urls, "AUTH_SERVICE_URL": rest.url}
        running = [_service(tmp_path, name, port, settings) for name, port in ports.items()]
        try:
            rest.wait_until_ready()
            made = kassa(tmp_path, "admin", "create", "a@shop.example", KASSA_ADMIN_PASSWORD="correct horse battery")
            assert made.returncode == 0, made.stderr
            account = {"email": "a@shop.example", "password": "correct horse battery"}
            session = httpx.post(f"{rest.url}/auth/login", json=account, trust_env=False).json()
            signed = {"Authorization": f"Bearer {session['token']}"}
            mug = {"name": "Mug", "price": "9.99", "category": "things", "description": "", "stock": 3}
            product = httpx.post(f"{rest.url}/products", json=mug, headers=signed, trust_env=False).json()["product"]
            items = {"items": [{"productId": product["id"], "quantity": 2}]}
            placed = httpx.post(f"{rest.url}/orders", json=items, headers=signed, trust_env=False)
            assert placed.status_code == 201, placed.text
            left = httpx.get(f"{rest.url}/inventory/{product['id']}", trust_env=False).json()["stock"]
            assert left == 1
        finally:
            for process in running:
                process.process.terminate()
                process.process.wait(PATIENCE)


def test_one_that_would_have_to_call_into_this_process_may_not(tmp_path: Path) -> None:
    secrets = OWN_SECRETS
    refused = kassa(tmp_path, "up", **secrets, ORDER_SERVICE_URL="http://127.0.0.1:1")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "PRODUCT_SERVICE_URL must be set too: the order service, which runs elsewhere" in refused.stderr


def test_an_inventory_on_redis_must_know_where_the_orders_are(tmp_path: Path) -> None:
    secrets = {**OWN_SECRETS, "AUTH_SERVICE_URL": "http://127.0.0.1:1"}
    refused = kassa(tmp_path, "serve", "inventory", **secrets, REDIS_URL="redis://127.0.0.1:1")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)
    assert "ORDER_SERVICE_URL" in refused.stderr


def test_services_form_without_a_secret_is_refused(tmp_path: Path) -> None:
    refused = kassa(tmp_path, "serve", "auth", "--port", str(free_port()))
    assert refused.returncode == 2
    assert refused.stderr.startswith("KASSA: JWT_SECRET must be set")
    assert refused.stderr.count("\n") == 1


def _service(directory: Path, name: str, port: int, settings: dict[str, str]) -> Running:
    import subprocess
    import sys

    from tests.app.process import environment

    log = directory / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "kassa.cli.main", "serve", name, "--port", str(port), "--host", "127.0.0.1"],
            cwd=directory,
            env=environment(**settings),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return Running(process, port, log)


async def _until(condition: object) -> None:
    assert callable(condition)
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until
        await asyncio.sleep(0.01)
