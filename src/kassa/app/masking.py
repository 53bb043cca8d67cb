"""What is written is looked through once more: what looks secret or personal is blacked out.

Nothing of the kind is meant to be written in the first place. But the texts of exceptions come from everywhere.
"""

import json
import re
import sys
import traceback
from collections.abc import Iterable
from types import TracebackType

MASK = "[…]"
SHORTEST = 8
"""What is shorter is no secret that is worth the name; to black it out would black out words."""

_PART = r"[^\s\"'<>()\[\]{},;:=@]"
# None begins at a word's beginning: in JSON the end of a line is `\n`, which hides it.
_FORMS = re.compile(
    r"(?P<before>://)[^\s/@\"']+@"  # user and password of an address
    r"|[sr]k_(?:live|test)_\w+|whsec_\w+"  # Stripe docs: keys, webhooks
    r"|eyJ[\w-]{8,2000}\.[\w-]+\.[\w-]+"  # a JSON Web Token
    r"|_[0-9a-z]{26}\.[\w.-]{16,}"  # tokens of refreshing and of devices
    r"|kassa_[0-9a-f]{64}|otpauth://[^\s\"']+"  # a program's key, a second factor
    r"|(?<![A-Z2-7])[A-Z2-7]{32}(?![A-Z2-7])"  # the secret of one, and a recovery code
    r"|(?<![0-9a-z-])(?:[a-z2-7]{6}-){3}[a-z2-7]{6}(?![0-9a-z-])"
    r"|\$argon2\w*\$[^\s\"']+"
    rf"|(?<!{_PART}){_PART}+@[\w-]+(?:\.[\w-]+)+"  # an e-mail address
)
_secrets: set[str] = set()


def keep_secret(texts: Iterable[str]) -> None:
    """From now on these are blacked out, too, wherever they are."""
    for text in texts:
        if len(text) >= SHORTEST:
            _secrets.update((text, json.dumps(text)[1:-1]))


def masked(text: str) -> str:
    """The text without what looks like something that nobody should read."""
    for secret in _secrets:
        if secret in text:
            text = text.replace(secret, MASK)
    return _FORMS.sub(lambda found: f"://{MASK}@" if found["before"] else MASK, text)


def tell_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What `sys.excepthook` does, but looked through: for commands, before their log is set up."""
    sys.stderr.write(masked("".join(traceback.format_exception(kind, error, trace))))
