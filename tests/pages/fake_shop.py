"""A gateway in memory: as much of the public HTTP API as the pages call, shaped by the contract."""

import base64
import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from litestar import Request, Response

from kassa.kit.money import major, minor
from tests.pages.fake_refusals import Json as Json
from tests.pages.fake_refusals import Refused as Refused
from tests.pages.fake_selling import FakeSelling

_encoder = msgspec.json.Encoder(decimal_format="number")
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def answer(content: Any, status: int = 200) -> Response[bytes]:
    body = _encoder.encode(content)
    return Response(body, status_code=status, media_type="application/json")


def refusal(_: Request[Any, Any, Any], refused: Refused) -> Response[bytes]:
    document = {"status": refused.status, "code": refused.code, "title": refused.code, "detail": refused.detail}
    body = msgspec.json.encode({**refused.members, **document})
    headers = {"Retry-After": "7"} if refused.status in (429, 503) else {}
    return Response(body, status_code=refused.status, media_type="application/problem+json", headers=headers)


@dataclass
class Call:
    """One request that the pages made."""

    method: str
    path: str
    headers: dict[str, str]
    body: Json
    query: dict[str, str]
    ip: str


@dataclass
class FakeShop:
    currency: str = "usd"
    payment_page: str = "http://sandbox.test/c/"
    products: dict[str, Json] = field(default_factory=dict)
    families: dict[str, Json] = field(default_factory=dict)
    prices: dict[str, list[Json]] = field(default_factory=dict)
    """By product: its price history, the newest first."""
    orders: dict[str, Json] = field(default_factory=dict)
    users: dict[str, Json] = field(default_factory=dict)
    events: list[Json] = field(default_factory=list)
    disputes: list[Json] = field(default_factory=list)
    drafts: dict[str, Json] = field(default_factory=dict)
    """By dispute: what can be said to it."""
    endpoints: list[Json] = field(default_factory=list)
    unclaimed: list[Json] = field(default_factory=list)
    waiting: dict[str, list[Json]] = field(default_factory=lambda: {"orders": [], "payments": []})
    """By service: the effects that need attention."""
    notices: list[Json] = field(default_factory=list)
    stock_notices: list[Json] = field(default_factory=list)
    """What is waited for, by the address of fake_notices."""
    payments: dict[str, str] = field(default_factory=dict)
    refund_status: str = "pending"
    order_count: int = 152
    money_back: dict[str, Json] = field(default_factory=dict)
    fees: dict[str, Json | None] = field(default_factory=dict)
    """By order: what Stripe kept of its payment; none while it cannot be asked."""
    stuck: list[Json] = field(default_factory=list)
    """Entries of each timeline: what has failed, and whether it still does when it is tried."""
    is_stuck: bool = True
    overdue: int = 0
    system: Json = field(default_factory=dict)
    """By service: what is wrong, by what it needs; and when checks ran, with what they found."""
    checks: list[Json] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    broken: dict[str, Refused] = field(default_factory=dict)
    """By path: how the next calls there are refused."""
    stale: set[str] = field(default_factory=set)
    """Access tokens that have expired."""
    refreshable: dict[str, str] = field(default_factory=dict)
    places: list[Json] = field(default_factory=list)
    """Where the user is logged in."""
    answered: dict[str, tuple[Json, str]] = field(default_factory=dict)
    selling: FakeSelling = field(default_factory=FakeSelling)
    profile: Json = field(default_factory=dict)
    refuse_profile: Refused | None = None
    options: list[Json] = field(default_factory=list)
    """What the variants of the shop differ in, as it is counted."""
    guests: dict[str, str] = field(default_factory=dict)
    """By token: the order of a guest."""
    links: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By token: what a link that was mailed is good for, and to whom it went; the newest last."""
    has_mail: bool = True
    mails: list[Json] = field(default_factory=list)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def add(self, name: str, price_minor: int = 1999, stock: int | None = 7, **more: Any) -> str:
        product_id = f"prd_{next(self.numbers):026d}"
        self.products[product_id] = {
            "id": product_id,
            "name": name,
            "description": f"About {name}.",
            "price": major(price_minor, self.currency),
            "priceMinor": price_minor,
            "currency": self.currency,
            "category": "Things",
            "images": [],
            "isActive": True,
            "stock": stock,
            "createdAt": NOW,
            "updatedAt": NOW - timedelta(hours=3),
            **more,
        }
        return product_id

    def reduced(self, body: Json) -> Json:
        """What a product has of a price to compare at, if one is sent; refused as the real shop does."""
        if (compare_at := body.get("compareAtPrice")) is None:
            return {"compareAtPriceMinor": None} if "compareAtPrice" in body else {}
        if Decimal(compare_at) <= Decimal(body["price"]):
            error = {"field": "compareAtPrice", "message": "must be above the price"}
            raise Refused(422, "validation_failed", "x", errors=[error])
        return {"compareAtPriceMinor": minor(Decimal(compare_at), self.currency)}

    def product(self, product_id: str) -> Json:
        found = self.products.get(product_id)
        if found is None or not found["isActive"]:
            raise Refused(404, "not_found", "no such product")
        return found

    def sign_up(self, email: str, password: str = "a long password", role: str = "user") -> Json:
        user_id = f"usr_{next(self.numbers):026d}"
        user = {"id": user_id, "email": email, "password": password, "role": role, "createdAt": NOW}
        self.users[email] = user
        return user

    def mail_link(self, purpose: str, email: str) -> str:
        """Send a link; returns its token."""
        token = f"usr_{next(self.numbers):026d}.{'s' * 43}"
        self.links[token] = (purpose, email)
        return token

    def session(self, email: str) -> Json:
        user = self.users[email]
        claims = {"sub": user["id"], "email": email, "role": user["role"], "exp": 1, "n": next(self.numbers)}
        token = f"e30.{base64.urlsafe_b64encode(msgspec.json.encode(claims)).decode().rstrip('=')}.sig"
        refresh = f"refresh-{next(self.numbers)}"
        self.refreshable[refresh] = email
        device = {"deviceToken": f"device-of-{user['id']}"}
        shown = {name: user[name] for name in ("id", "email", "role", "createdAt")}
        return {
            "token": token,
            "tokenType": "Bearer",
            "expiresIn": 900,
            "refreshToken": refresh,
            "user": shown,
            **device,
        }

    def user_of(self, authorization: str | None) -> Json:
        token = (authorization or "").removeprefix("Bearer ")
        if not token or token in self.stale:
            raise Refused(401, "unauthenticated", "log in")
        payload = token.split(".")[1]
        claims: Json = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=="))
        return self.users[claims["email"]]

    def quote(self, body: Json) -> Json:
        items = []
        for item in body["items"]:
            product = self.products.get(item["productId"])
            if product is None or not product["isActive"]:
                raise Refused(422, "unknown_product", "a product is no longer sold", productId=item["productId"])
            amount = product["priceMinor"] * item["quantity"]
            items.append({**item, "name": product["name"], "amountMinor": amount, "discountMinor": 0})
        return self.selling.quote(items, body)

    def place(self, user_id: str, body: Json, key: str | None) -> Json:
        if key in self.answered:
            known, order_id = self.answered[key]
            if known != body:
                raise Refused(422, "idempotency_key_reused")
            return self.orders[order_id]
        for item in body["items"]:
            self._check(item)
        quote = self.quote(body)
        quote["totalAmountMinor"] += self.selling.not_known_to_quotes
        total = quote["totalAmountMinor"]
        if body["expectedTotalMinor"] != total:
            seen = body["expectedTotalMinor"]
            members = {"expectedTotalMinor": seen, "totalAmountMinor": total, "currency": "usd", "quote": quote}
            raise Refused(409, "price_changed", "another total", **members)
        items = [self._hold(item) for item in body["items"]]
        order = self.add_order(user_id, items)
        if body.keys() - {"items", "expectedTotalMinor", "locale"}:
            order |= {name: body.get(name) for name in ("email", "destination", "billing")} | {
                "note": body.get("note", "")
            }
            order |= {"parts": quote["parts"], "totalAmountMinor": total}
            self.orders[order["id"]] = order
        if key is not None:
            self.answered[key] = (body, order["id"])
        return order

    def _check(self, item: Json) -> None:
        product = self.products.get(item["productId"])
        if product is None or not product["isActive"]:
            raise Refused(422, "unknown_product", "a product is no longer sold", productId=item["productId"])
        if product["stock"] < item["quantity"]:
            members = {"productId": product["id"], "asked": item["quantity"], "available": product["stock"]}
            raise Refused(409, "insufficient_stock", "not enough stock", **members)

    def _hold(self, item: Json) -> Json:
        product = self.products[item["productId"]]
        product["stock"] -= item["quantity"]
        prices = {"priceSnapshot": product["price"], "priceSnapshotMinor": product["priceMinor"]}
        return {"productId": product["id"], "name": product["name"], "quantity": item["quantity"], **prices}

    def add_order(self, user_id: str, items: list[Json], status: str = "PENDING", reason: str | None = None) -> Json:
        order_id = f"ord_{next(self.numbers):026d}"
        total = sum(item["priceSnapshotMinor"] * item["quantity"] for item in items)
        self.orders[order_id] = {
            "id": order_id,
            "userId": user_id,
            "items": items,
            "totalAmount": Decimal(total) / 100,
            "totalAmountMinor": total,
            "currency": self.currency,
            "status": status,
            "reason": reason,
            "expiresAt": NOW + timedelta(minutes=29),
            "createdAt": NOW - timedelta(minutes=1),
            "updatedAt": NOW,
        }
        return self.orders[order_id]

    def called(self, method: str, path: str) -> list[Call]:
        return [call for call in self.calls if call.method == method and call.path == path]
