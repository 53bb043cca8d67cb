"""The page on storefronts of one's own: its program buys in a running shop, and its table knows every reason."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pyotp import TOTP

from kassa.app.files import sandbox_url
from kassa.order.domain import Reason
from kassa.order.wire import STATUSES
from tests.app.process import Running, environment, started
from tests.docs.pages import ROOT, block

HEADLESS = ROOT / "docs" / "headless.md"
ORIGIN = "https://storefront.example"

LOG_IN = """
async function logInAgain() {
  const [email, password, secondFactor] = process.argv.slice(2);
  const wrong = await logIn(email, "not the password", () => "").catch((problem) => problem.code);
  await logIn(email, password, () => secondFactor);
  console.log(JSON.stringify({ wrong, email: (await ask("GET", "/auth/verify")).user.email }));
}
logInAgain();
"""

BUY = """
async function buy() {
  await register("headless@shop.example", "correct horse battery");
  const { products } = await ask("GET", "/products?limit=1");
  const items = [{ productId: products[0].id, quantity: 2 }];
  const changed = await order(items, 1, "a key").catch((problem) => problem.code);
  const placed = await order(items, 2 * products[0].priceMinor, "another key");
  const again = await order(items, 2 * products[0].priceMinor, "another key");
  session.token = "expired"; // from here on the refresh token is needed
  const address = await addressToPayAt(placed.id);
  await fetch(process.argv[2] + "/sandbox/sessions/" + address.match(/cs_test_\\w+/)[0] + "/pay", {
    method: "POST", body: JSON.stringify({ card: "4242424242424242" }),
  });
  const { status } = await outcome(placed.id);
  console.log(JSON.stringify({ changed, isOne: placed.id === again.id, status, order: placed.id }));
}
buy();
"""


BUY_AS_GUEST = """
async function buyAsGuest() {
  const { products } = await ask("GET", "/products?limit=1");
  const wish = { items: [{ productId: products[0].id, quantity: 1 }] };
  const { order, guestToken, checkoutUrl } = await orderAsGuest(wish, "guest@shop.example", "a guest's key");
  const isPayable = checkoutUrl.includes("cs_test_");
  await register("claims@shop.example", "correct horse battery");
  const claimed = await takeIntoAccount(order.id, guestToken);
  const countries = (await whereTo()).map((country) => country.code);
  console.log(JSON.stringify({ isPayable, isSame: claimed.id === order.id, isAnywhere: countries.includes("DE") }));
}
buyAsGuest();
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("headless")


@pytest.fixture(scope="module")
def shop(place: Path) -> Iterator[Running]:
    settings = {"CORS_ORIGINS": ORIGIN, "FRONTEND_URL": ORIGIN, "STRIPE_SECRET_KEY": "sandbox"}
    with started(place, "up", "--sample", **settings) as running:
        running.wait_until_ready()
        yield running


def run(program: str, place: Path, *arguments: str) -> dict[str, Any]:
    (place / "buy.js").write_text(program)
    surroundings = {name: value for name, value in environment().items() if "proxy" not in name.lower()}
    command = ["node", "buy.js", *arguments]
    done = subprocess.run(command, cwd=place, env=surroundings, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_the_program_of_the_page_buys(shop: Running, place: Path) -> None:
    program = block(HEADLESS, "js", "fetch(").replace("http://localhost:3000", shop.url)
    told = run(program + BUY, place, sandbox_url(place / ".kassa") or "")
    assert told["order"].startswith("ord_")
    assert (told["changed"], told["isOne"], told["status"]) == ("price_changed", True, "CONFIRMED")


def test_the_program_of_the_page_buys_as_a_guest(shop: Running, place: Path) -> None:
    program = block(HEADLESS, "js", "fetch(").replace("http://localhost:3000", shop.url)
    told = run(program + block(HEADLESS, "js", "orderAsGuest") + BUY_AS_GUEST, place)
    assert told == {"isPayable": True, "isSame": True, "isAnywhere": True}


def test_the_program_of_the_page_logs_in_with_a_second_factor(shop: Running, place: Path) -> None:
    account = {"email": "factor@shop.example", "password": "correct horse battery"}
    with httpx.Client(base_url=shop.url, trust_env=False) as api:
        api.headers["Authorization"] = f"Bearer {api.post('/auth/register', json=account).json()['token']}"
        secret = api.post("/auth/second-factor", json={"password": account["password"]}).json()["secret"]
        made = api.post("/auth/second-factor/confirm", json={"code": TOTP(secret).now()}).json()
    program = block(HEADLESS, "js", "fetch(").replace("http://localhost:3000", shop.url)
    told = run(program + LOG_IN, place, *account.values(), made["recoveryCodes"][0])
    assert told == {"wrong": "wrong_credentials", "email": account["email"]}


def test_a_browser_is_told_that_the_storefront_may_call_with_all_that_the_program_sends(shop: Running) -> None:
    program = block(HEADLESS, "js", "fetch(")
    sent = {name for name in re.findall(r'(?<!\w)"?([A-Z][\w-]+)"?: ', program) if name != "POST"}
    assert sent == {"Content-Type", "Authorization", "Idempotency-Key"}
    for method in set(re.findall(r'ask\("([A-Z]+)"', program)):
        asked = {
            "Origin": ORIGIN,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": ", ".join(sorted(sent)),
        }
        answer = httpx.options(f"{shop.url}/orders", headers=asked, trust_env=False)
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert method in answer.headers["access-control-allow-methods"]
        assert sent <= set(answer.headers["access-control-allow-headers"].split(", "))
    read = httpx.get(f"{shop.url}/orders", headers={"Origin": ORIGIN}, trust_env=False)
    assert read.status_code == 401
    assert read.headers["access-control-allow-origin"] == ORIGIN


def test_every_status_and_reason_has_its_words() -> None:
    rows = re.findall(r"^\| `([A-Z]+)` \| (?:`(\w+)`)? *\|", HEADLESS.read_text(), re.MULTILINE)
    assert {status for status, _ in rows} == set(STATUSES)
    assert {reason for _, reason in rows} == {str(reason) for reason in Reason}
