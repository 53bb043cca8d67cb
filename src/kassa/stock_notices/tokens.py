"""The tokens of addresses that wait: whoever has one sees what its address waits for, and ends it."""

import hashlib
import hmac

from kassa.kit.identity import derived_key


class WaiterTokens:
    """Makes them, of the address, so that nothing of one has to be kept. `master` is a secret of the order service's;
    what waits by then cannot be ended by link any more when it is changed."""

    def __init__(self, master: str) -> None:
        self._key = derived_key(master, "stock notices")

    def __repr__(self) -> str:
        return "WaiterTokens(…)"

    def token_of(self, email: str) -> str:
        """The token of this address: 64 hexadecimal digits."""
        return hmac.new(self._key, email.encode(), hashlib.sha256).hexdigest()
