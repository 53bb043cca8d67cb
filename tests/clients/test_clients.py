"""What others make of the API's description: a linter finds nothing, and the clients that two generators make of it buy
in a running shop."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.app.process import Running, started

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
TOOLS = HERE.parents[1] / ".venv" / "clients"
NODE_TOOLS = TOOLS / "node_modules" / ".bin"
PYTHON = TOOLS / "python" / "bin"

BUY = """
import json, sys
from shop.api.auth import register
from shop.api.orders import place_order
from shop.api.payments import create_session
from shop.api.products import list_products
from shop.client import AuthenticatedClient, Client
from shop.models import NewLine, NewOrder, PayFor, Problem, Registration

stranger = Client(base_url=sys.argv[1])
who = Registration(email="python@shop.example", password="correct horse battery")
session = register.sync(client=stranger, body=who)
taken = register.sync(client=stranger, body=who)
assert isinstance(taken, Problem) and taken.code == "email_taken", taken
product = list_products.sync(client=stranger, limit=1).products[0]
buyer = AuthenticatedClient(base_url=sys.argv[1], token=session.token)
wanted = NewOrder(items=[NewLine(product_id=product.id, quantity=1)])
order = place_order.sync(client=buyer, body=wanted, idempotency_key="a key").order
again = place_order.sync(client=buyer, body=wanted, idempotency_key="a key").order
assert again.id == order.id
paying = create_session.sync(client=buyer, body=PayFor(order_id=order.id))
told = {"user": session.user.id, "status": order.status.value, "total": order.total_amount_minor}
print(json.dumps({**told, "until": order.expires_at.timestamp() * 1000, "checkoutUrl": paying.checkout_url}))
"""


def run(*command: str | Path, cwd: Path) -> str:
    """What the command prints; it must end well and complain of nothing."""
    inside = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    path = f"{PYTHON}:{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=cwd, env={**inside, "PATH": path}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower(), done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clients")


@pytest.fixture(scope="module")
def shop(place: Path) -> Iterator[Running]:
    """A running shop; its description is in `openapi.json`."""
    with started(place, "up", "--sample", RATE_LIMIT="off") as running:
        running.wait_until_ready()
        (place / "openapi.json").write_bytes(httpx.get(f"{running.url}/openapi.json", trust_env=False).content)
        yield running


def bought(printed: str) -> dict[str, Any]:
    """What a client told of its purchase: as types, not only as texts."""
    told: dict[str, Any] = json.loads(printed)
    assert (told["status"], told["user"][:4]) == ("PENDING", "usr_")
    assert told["total"] > 0
    assert told["until"] > 1_700_000_000_000
    assert "://" in told["checkoutUrl"]
    return told


def test_a_linter_finds_nothing(shop: Running, place: Path) -> None:
    """With all that it recommends, and each example held against its schema."""
    (place / "rules.json").write_text('{"extends": ["spectral:oas"]}')
    said = run(NODE_TOOLS / "spectral", "lint", "-r", "rules.json", "-F", "hint", "openapi.json", cwd=place)
    assert "No results" in said


def test_a_linter_finds_what_is_wrong(shop: Running, place: Path) -> None:
    document = json.loads((place / "openapi.json").read_text())
    body = document["paths"]["/orders"]["post"]["requestBody"]["content"]["application/json"]
    body["example"]["items"] = []
    (place / "wrong.json").write_text(json.dumps(document))
    (place / "rules.json").write_text('{"extends": ["spectral:oas"]}')
    with pytest.raises(AssertionError, match="oas3-valid-media-example"):
        run(NODE_TOOLS / "spectral", "lint", "-r", "rules.json", "-F", "hint", "wrong.json", cwd=place)


def test_a_generated_python_client_buys(shop: Running, place: Path) -> None:
    generator = (PYTHON / "openapi-python-client", "generate", "--path", "openapi.json")
    run(*generator, "--output-path", "shop", "--meta", "none", cwd=place)
    (place / "buy.py").write_text(BUY)
    bought(run(PYTHON / "python", "buy.py", shop.url, cwd=place))


def test_a_generated_typescript_client_buys(shop: Running, place: Path) -> None:
    run(NODE_TOOLS / "openapi-typescript", "openapi.json", "-o", "api.d.ts", cwd=place)
    shutil.copy(HERE / "buy.ts", place)
    strict = ("--strict", "--target", "es2022", "--module", "commonjs", "--lib", "es2022,dom")
    run(NODE_TOOLS / "tsc", *strict, "buy.ts", cwd=place)
    bought(run("node", "buy.js", shop.url, cwd=place))
