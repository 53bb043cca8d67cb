"""How the text of a setting becomes its value. What cannot be read is a ValueError that goes on behind the setting's
name and says what would be right. The text itself is never repeated: it may be a secret that belongs elsewhere."""

import ipaddress
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from kassa.app.guessable import check_secret, check_webhook_secret
from kassa.gateway.limits import Rate, parse_rate
from kassa.kit.money import InvalidMoney, known_currency
from kassa.kit.origin import origin_of
from kassa.kit.service_keys import read_key

SANDBOX = "sandbox"
SERVICES = ("gateway", "auth", "product", "inventory", "order", "payment")
_QUOTES = {'"': '"', "'": "'", "`": "`", "“": "”", "„": "“", "”": "”", "‘": "’", "’": "’", "«": "»"}
# RFC 3986, 2, and RFC 6068: the characters of a URI; all others are percent-encoded. Neither user nor password.
_CONTACT = re.compile(
    r"mailto:[\w.!$&'*+/=^~%-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|https://[\w.:\[\]-]+(?:[/?][\w.~:/?@!$&'()*+;=%-]*)?",
    re.ASCII,
)
# Shown as nothing, or as a space, though Unicode does not count them among either.
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0]")
_OF_STRIPE = {
    "sk_": "a secret key",
    "rk_": "a restricted key",
    "pk_": "a publishable key",
    "whsec_": "a webhook's signing secret",
    "we_": "the id of a webhook endpoint",
    "acct_": "the id of an account",
}


def check_pasted(text: str) -> None:
    """ValueError for what comes along when a value is copied: quotation marks, characters that nobody sees, and the
    dots of an example."""
    if len(text) > 1 and _QUOTES.get(text[0]) == text[-1]:
        raise ValueError("is in quotation marks, which docker's --env-file takes for a part of it: leave them out")
    if text.endswith(("...", "…")):
        raise ValueError("ends with ..., which stands for what is left out: set the whole value")
    for place, character in enumerate(text, 1):
        is_unseen = unicodedata.category(character)[0] in "CZ" and character != " "
        if is_unseen or _UNSEEN.match(character):
            name = unicodedata.name(character, "a control character")
            code = f"U+{ord(character):04X}, {name.lower()}"
            raise ValueError(f"has an invisible character ({code}) at position {place}: type the value anew")


def secret(text: str) -> str:
    """A secret of the shop's own."""
    check_secret(text)
    return text


def secrets(text: str) -> tuple[str, ...]:
    """Secrets of the shop's own, the one in use first."""
    return tuple(secret(each) for each in text.split(","))


def service_keys(text: str) -> dict[str, bytes]:
    """The private keys of services."""
    return dict(_keys(text))


def service_public_keys(text: str) -> dict[str, tuple[bytes, ...]]:
    """The public keys of services; of one there may be several."""
    pairs = _keys(text)
    return {name: tuple(key for other, key in pairs if other == name) for name, _ in pairs}


def _keys(text: str) -> list[tuple[str, bytes]]:
    try:
        pairs = [part.partition(":") for part in _parts(text)]
        return [(_one_of_ours(name), read_key(key)) for name, _, key in pairs]
    except ValueError:
        raise ValueError("must be such as order:KEY,payment:KEY, as `kassa keys services` prints them") from None


def _one_of_ours(name: str) -> str:
    if name not in SERVICES:
        raise ValueError(name)
    return name


def stripe_key(text: str) -> str:
    """A key for Stripe's API, or the word for none."""
    if text.lower() == SANDBOX:
        return SANDBOX
    if not re.fullmatch(r"(sk|rk)_[!-~]+", text):
        raise ValueError(f"must be a secret or restricted key of Stripe: it begins with sk_ or rk_{_instead(text)}")
    return text


def webhook_secrets(text: str) -> tuple[str, ...]:
    """Signing secrets of webhooks."""
    secrets = _parts(text)
    for each in secrets or ("",):
        if not re.fullmatch(r"[!-~]+", each) or each[0] in _QUOTES or _kind(each) not in ("", "whsec_"):
            raise ValueError(f"must be signing secrets of webhooks (whsec_...), comma-separated{_instead(each)}")
        check_webhook_secret(each)
    return secrets


def _kind(text: str) -> str:
    return next((each for each in _OF_STRIPE if text.startswith(each)), "")


def _instead(text: str) -> str:
    if " " in text:
        return "; this has a space in it"
    return f"; this is {_OF_STRIPE[kind]}" if (kind := _kind(text)) else ""


def url(text: str) -> str:
    """The address of a server, or of a path on it."""
    parts = _split(text, ("http", "https"))
    if parts is None or re.search(r"[?#]", text):
        raise ValueError("must be an address such as http://127.0.0.1:3000, without ? and #")
    return text.rstrip("/")


def frontend_url(text: str) -> str:
    """The address of the storefront, spelled as browsers and Stripe want it."""
    parts = _split(text, ("http", "https"))
    if parts is None or re.search(r"[?#@\\]", text):
        raise ValueError("must be an address such as https://shop.example, without ?, #, user and password")
    return origin_of(text) + quote(parts.path, safe="/%:!$&'()*+,;=~").rstrip("/")


def proxy(text: str) -> str:
    """The address of a proxy."""
    whole = text if "://" in text else f"http://{text}"
    if _split(whole, ("http", "https")) is None:
        raise ValueError(
            "must be an address such as http://proxy.example:3128; of others, SOCKS for one, none is known"
        )
    return whole


def is_spared(address: str, no_proxy: str) -> bool:
    """Whether no proxy is to be used for an address: this machine's own, or one that `no_proxy` names."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    named = [part.lower().removeprefix("*").removeprefix(".") for part in _parts(no_proxy)]
    place = f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
    return is_loopback(host) or any(part in ("", host, place) or host.endswith(f".{part}") for part in named)


def is_loopback(host: str) -> bool:
    """Whether this is a name or address of this machine that no other one can reach."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def uri(*schemes: str) -> Callable[[str], str]:
    """The address of a store, which may hold a password."""

    def read(text: str) -> str:
        if _split(text, schemes) is None:
            raise ValueError(f"must be an address that begins with {' or '.join(f'{each}://' for each in schemes)}")
        return text

    return read


def redis_url(text: str) -> str:
    """The address of a Redis."""
    address = uri("redis", "rediss", "unix")(text)
    parts = urlsplit(address)
    # The driver takes the first database for one that is named otherwise than by a number.
    if parts.scheme != "unix" and not re.fullmatch(r"/?[0-9]*", parts.path):
        raise ValueError("must end with the host and port, or with the number of a database: redis://localhost:6379/0")
    return address


def _split(text: str, schemes: tuple[str, ...]) -> SplitResult | None:
    """The address's parts; None if it is none, or of another scheme."""
    try:
        parts = urlsplit(text)
        if parts.scheme in ("http", "https"):
            origin_of(text)  # its host and port can be spelled
        # Reading the port checks it; a cluster's list of hosts has none that can be read.
        is_plain = "," in parts.netloc or parts.port is None or parts.port > 0
    except ValueError:
        return None
    has_place = bool(parts.netloc) or (parts.scheme == "unix" and bool(parts.path))
    return parts if parts.scheme in schemes and has_place and is_plain and " " not in text else None


def currency(text: str) -> str:
    """A currency's code."""
    try:
        return known_currency(text)
    except InvalidMoney as error:
        listed = str(error).partition("; ")[2]
        raise ValueError(f"must be the code of a currency; {listed}") from None


def directory(text: str) -> Path:
    """Where a directory is. It is shown, and made: so it is none of the things that belong into other settings."""
    if "://" in text or _kind(text):
        raise ValueError(f"must be a directory{_instead(text)}")
    return Path(text)


def one_of(*words: str) -> Callable[[str], Any]:
    """One of these words, in any case."""

    def read(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(f"must be {', '.join(words[:-1])} or {words[-1]}")
        return text.lower()

    return read


def whole(least: int, most: int) -> Callable[[str], int]:
    """A whole number between these."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text) or not least <= int(text) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(text)

    return read


def whole_or_off(least: int, most: int) -> Callable[[str], int | None]:
    """A whole number between these; None for no limit."""

    def read(text: str) -> int | None:
        if text.lower() == "off":
            return None
        try:
            return whole(least, most)(text)
        except ValueError as error:
            raise ValueError(f"{error}; or off") from None

    return read


def networks(text: str) -> tuple[str, ...]:
    """Addresses and networks."""
    for part in _parts(text):
        try:
            ipaddress.ip_network(part, strict=False)
        except ValueError:
            raise ValueError("must be addresses or networks such as 10.0.0.0/8") from None
    return _parts(text)


def contacts(text: str) -> tuple[str, ...]:
    """Where somebody can be told of a security hole: URIs, as RFC 9116, 2.5.3, wants them."""
    for each in _parts(text) or ("",):
        is_web = _split(each, ("https",)) is not None
        if not _CONTACT.fullmatch(each) or (each.startswith("https:") and not is_web):
            raise ValueError(
                "must be such as mailto:security@shop.example or https://shop.example/security, comma-separated, with "
                "mailto: or https: before each"
            )
    return _parts(text)


def origins(text: str) -> tuple[str, ...]:
    """Origins, spelled as browsers spell them; or any."""
    return tuple(part if part == "*" else _origin(part) for part in _parts(text))


def _origin(text: str) -> str:
    parts = _split(text, ("http", "https"))
    if parts is None or parts.path not in ("", "/") or re.search(r"[?#@\\]", text):
        raise ValueError("must be origins such as https://shop.example, without a path, comma-separated")
    return origin_of(text)


def rate(text: str) -> Rate | None:
    """So many requests in a time; None for no limit."""
    try:
        return parse_rate(text.lower())
    except ValueError:
        raise ValueError("must be such as 100/second or 600/minute, or off") from None


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
