"""Guests: buyers without an account. An order's guest has a token, of which the order keeps only what can be told from
it: whoever shows the token has the order."""

import msgspec

from kassa.kit.identity import derived_key, guest, guest_token
from kassa.kit.wire import encode


class _Order(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    user_id: str


class _Answer(msgspec.Struct, frozen=True):
    order: _Order


class GuestTokens:
    """Makes the tokens of guests. `master` is a secret of the order service's; when it is changed, the tokens that were
    given out stay good."""

    def __init__(self, master: str) -> None:
        self._key = derived_key(master, "guests")

    def __repr__(self) -> str:
        return "GuestTokens(…)"

    def guest_of(self, order_id: str) -> str:
        """Whose order it is, if a new guest makes it."""
        return guest(guest_token(self._key, order_id)).id

    def token_of(self, order_id: str, user_id: str) -> str:
        """The token of the order that this guest made; empty if the secret was changed since."""
        token = guest_token(self._key, order_id)
        return token if guest(token).id == user_id else ""

    def with_token(self, answer: bytes) -> bytes:
        """The answer to a new guest's order, with its token. What idempotency keeps of the answer has none."""
        order = msgspec.json.decode(answer, type=_Answer).order
        token = self.token_of(order.id, order.user_id)
        if not token:
            return answer
        return answer[:-1] + b',"guestToken":' + encode(token) + b"}"
