"""What one client does, once; the drivers repeat it. Each returns in a word how it ended."""

import asyncio
import hashlib
import hmac
import json
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import urlencode

from kassa.bench.calling import Calls

OK = "ok"
CODE = "SAVE15"
GOOD_CARD = "4242424242424242"
_SESSION = urlencode(
    {
        "mode": "payment",
        "success_url": "http://127.0.0.1:1/return",
        "client_reference_id": "ord_1",
        "metadata[orderId]": "ord_1",
        "payment_intent_data[metadata][orderId]": "ord_1",
        "line_items[0][price_data][currency]": "usd",
        "line_items[0][price_data][unit_amount]": "1999",
        "line_items[0][price_data][product_data][name]": "Mug",
        "line_items[0][quantity]": "2",
    }
).encode()
# Every look at the order costs the shop a read: each pause is twice as long as the one before.
_FIRST_PAUSE = 0.025
_PAUSES = 10


@dataclass
class Client:
    """One client: where the shop is, who buys, what there is to buy. Drivers pickle it."""

    base: str
    token: str = ""
    products: list[str] = field(default_factory=list)
    sandbox: str = ""
    secret: str = ""
    sessions: list[dict[str, str]] = field(default_factory=list)
    tickets: list[str] = field(default_factory=list)
    """What can be done once only, such as the tokens of buyers who come once; empty, and the client stops."""
    http: Calls = field(default_factory=Calls, repr=False)

    async def call(self, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, Any]:
        """One call; status and body. `path` may be a whole address."""
        url = path if path.startswith("http") else self.base + path
        bearer = token or self.token
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        sent = b"" if body is None else json.dumps(body).encode()
        if sent:
            headers["Content-Type"] = "application/json"
        answer = await self.http.request(method, url, sent, headers)
        return answer.status, json.loads(answer.body)


Visit: TypeAlias = Callable[[Client], Awaitable[str]]


class Unexpected(Exception):
    """The shop answered as it must not."""


async def browse(client: Client) -> str:
    """A page of 20 products with their stock."""
    _, body = await _expected(200, client.call("GET", "/products?limit=20"))
    return OK if len(body["products"]) == 20 and body["products"][0]["stock"] is not None else "wrong"


async def quote(client: Client) -> str:
    """What 2 items would cost, sent to Germany with 15 % off."""
    items = [{"productId": each, "quantity": 1} for each in random.sample(client.products, 2)]
    destination = {"name": "A Buyer", "country": "DE", "lines": ["Street 1"], "city": "Berlin", "postalCode": "10115"}
    wish = {"items": items, "destination": destination, "shippingMethod": "parcel", "discountCode": CODE}
    _, body = await _expected(200, client.call("POST", "/quotes", wish))
    return OK if body["quote"]["totalAmountMinor"] == 2 * 1999 - 600 + 490 else "wrong"


async def order(client: Client) -> str:
    """An order of 2 items."""
    await _placed(client)
    return OK


async def journey(client: Client) -> str:
    """Order, session, payment at the sandbox, whose webhook confirms the order; until the buyer reads CONFIRMED."""
    order_id = await _placed(client)
    session_id = await _session(client, order_id)
    await _paid(client, session_id)
    for turn in range(_PAUSES):
        await asyncio.sleep(_FIRST_PAUSE * 2**turn)
        _, body = await _expected(200, client.call("GET", f"/orders/{order_id}"))
        if body["order"]["status"] == "CONFIRMED":
            return OK
    return "not confirmed"


async def paid_session(client: Client) -> dict[str, str]:
    """A paid session that no webhook has told of: its id, and its order's."""
    order_id = await _placed(client)
    session_id = await _session(client, order_id)
    await _paid(client, session_id)
    return {"id": session_id, "client_reference_id": order_id}


async def stripe_session(client: Client) -> str:
    """A session made and paid, through Stripe's API alone."""
    opened = await stripe(client, "checkout/sessions", _SESSION)
    paid = await stripe(client, f"payment_pages/{opened['id']}/confirm", b"payment_method=pm_card_visa")
    return OK if paid["payment_status"] == "paid" else "not paid"


async def stripe(client: Client, path: str, form: bytes) -> Any:
    """What the sandbox answers to a call of Stripe's API; Unexpected if it is no success."""
    headers = {"Authorization": "Bearer sk_test_bench", "Content-Type": "application/x-www-form-urlencoded"}
    answer = await client.http.request("POST", f"{client.sandbox}/v1/{path}", form, headers)
    body = json.loads(answer.body)
    if answer.status != 200:
        raise Unexpected(f"status {answer.status}: {body}")
    return body


async def unheeded_webhook(client: Client) -> str:
    """A signed webhook of a type that is stored and not acted on."""
    return await _delivered(client, "payment_intent.created", {"id": "pi_unheeded", "object": "payment_intent"})


async def webhook(client: Client) -> str:
    """A signed webhook that says that a session is completed; a new event, be it of a session told of before."""
    subject = {"object": "checkout.session", "metadata": {}, **random.choice(client.sessions)}
    client.tickets.pop()
    return await _delivered(client, "checkout.session.completed", subject)


async def one_piece(client: Client) -> str:
    """A buyer who comes once, for one piece: sold or refused."""
    items = [{"productId": client.products[0], "quantity": 1}]
    status, body = await client.call("POST", "/orders", {"items": items}, client.tickets.pop())
    if status == 409 and body["code"] == "insufficient_stock":
        return "refused"
    return "sold" if status == 201 else f"status {status}"


async def _placed(client: Client) -> str:
    items = [{"productId": product, "quantity": 1} for product in random.sample(client.products, 2)]
    _, body = await _expected(201, client.call("POST", "/orders", {"items": items}))
    return str(body["order"]["id"])


async def _session(client: Client, order_id: str) -> str:
    _, body = await _expected(200, client.call("POST", "/payments/create-session", {"orderId": order_id}))
    return str(body["sessionId"])


async def _paid(client: Client, session_id: str) -> None:
    pay = f"{client.sandbox}/sandbox/sessions/{session_id}/pay"
    await _expected(200, client.call("POST", pay, {"card": GOOD_CARD}))


async def _delivered(client: Client, kind: str, subject: dict[str, Any]) -> str:
    event = {
        "id": f"evt_{random.getrandbits(80):020x}",
        "object": "event",
        "type": kind,
        "created": int(time.time()),
        "livemode": False,
        "data": {"object": subject},
    }
    body = json.dumps(event).encode()
    headers = {"Stripe-Signature": signature(body, client.secret), "Content-Type": "application/json"}
    answer = await client.http.request("POST", f"{client.base}/payments/webhook", body, headers)
    return OK if answer.status == 200 else f"status {answer.status}"


def signature(body: bytes, secret: str) -> str:
    """The Stripe-Signature header (Stripe docs: webhooks)."""
    now = int(time.time())
    digest = hmac.new(secret.encode(), b"%d.%b" % (now, body), hashlib.sha256).hexdigest()
    return f"t={now},v1={digest}"


async def _expected(status: int, calling: Awaitable[tuple[int, Any]]) -> tuple[int, Any]:
    got, body = await calling
    if got != status:
        raise Unexpected(f"status {got} instead of {status}: {body}")
    return got, body
