"""The orders that were made in this browser without an account: which they are, and the tokens they are followed with.

They are kept in a cookie that scripts cannot read, the newest ones only, so that it stays small.
"""

import re

COOKIE = "kassa_guest"
MOST = 10

_ID = r"[A-Za-z0-9_-]{1,40}"
_TOKEN = re.compile(r"guest_[0-9a-f]{64}")
_ENTRY = re.compile(rf"({_ID}):([0-9a-f]{{64}})")


def is_token(text: str) -> bool:
    """Whether this can be a guest's token."""
    return _TOKEN.fullmatch(text) is not None


def read(text: str) -> dict[str, str]:
    """Order ids and their tokens, the newest last; what cannot be understood is left out."""
    found = (_ENTRY.fullmatch(each) for each in text.split(".")[-MOST:])
    return {entry[1]: f"guest_{entry[2]}" for entry in found if entry is not None}


def written(orders: dict[str, str]) -> str:
    """What is kept of them in the cookie."""
    newest = list(orders.items())[-MOST:]
    return ".".join(f"{order_id}:{token.removeprefix('guest_')}" for order_id, token in newest)
