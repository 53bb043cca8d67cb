"""The cart: product ids and quantities in a cookie. Prices and stock always come from the shop."""

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

MAX_LINES = 50
MAX_QUANTITY = 999

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _new_id() -> str:
    return secrets.token_urlsafe(12)


@dataclass(frozen=True)
class Cart:
    """`id` names this cart until it becomes an order or is refused; the order's idempotency key is made from it."""

    lines: dict[str, int] = field(default_factory=dict)
    id: str = field(default_factory=_new_id)

    @property
    def count(self) -> int:
        return sum(self.lines.values())

    @property
    def key(self) -> str:
        """The same cart, sent twice or from two tabs, is the same order."""
        goods = self.text().encode()
        return f"cart-{hashlib.sha256(goods).hexdigest()[:40]}"

    def with_more(self, product_id: str, quantity: int) -> "Cart":
        return self.with_quantity(product_id, self.lines.get(product_id, 0) + quantity)

    def with_quantity(self, product_id: str, quantity: int) -> "Cart":
        """A quantity of zero or less removes the line; a full cart takes no further products."""
        lines = dict(self.lines)
        if quantity <= 0:
            lines.pop(product_id, None)
        elif product_id in lines or (len(lines) < MAX_LINES and _ID.fullmatch(product_id)):
            lines[product_id] = min(quantity, MAX_QUANTITY)
        return Cart(lines, self.id)

    def renewed(self) -> "Cart":
        """The same goods as a new wish: after a refusal the old key would only repeat the refusal."""
        return Cart(self.lines)

    def text(self) -> str:
        return ".".join([self.id, *(f"{product_id}:{quantity}" for product_id, quantity in self.lines.items())])


def read_cart(text: str | None) -> Cart:
    """Whatever a browser sends: what cannot be understood is left out."""
    name, *parts = (text or "").split(".")
    lines = dict(_read_lines(parts))
    return Cart(lines, name) if _ID.fullmatch(name) else Cart(lines)


def _read_lines(parts: Iterable[str]) -> Iterable[tuple[str, int]]:
    for part in list(parts)[:MAX_LINES]:
        product_id, _, quantity = part.partition(":")
        if _ID.fullmatch(product_id) and quantity.isascii() and quantity.isdigit() and int(quantity[:6]) > 0:
            yield product_id, min(int(quantity[:6]), MAX_QUANTITY)
