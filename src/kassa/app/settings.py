"""The settings: read from the environment and `.env`, checked at the start, never changed afterwards."""

import ipaddress
import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from dotenv import dotenv_values

from kassa.gateway.limits import Rate, parse_rate
from kassa.kit.money import InvalidMoney, known_currency

SERVICES = ("auth", "product", "inventory", "order", "payment")
DEFAULT_PORTS = {"gateway": 3000, "auth": 4000, "product": 5000, "inventory": 6000, "order": 7000, "payment": 8000}
_LEVELS = ("debug", "info", "warning", "error")


class SettingError(Exception):
    """A setting is missing or wrong; the text is one line that names it and says what would be right."""

    def __init__(self, name: str, wrong: str) -> None:
        self.name = name
        super().__init__(f"{name} {wrong}")


class Setting(NamedTuple):
    """One setting as the documentation shows it."""

    name: str
    default: str
    help: str


SETTINGS = (
    Setting("STRIPE_SECRET_KEY", "unset: sandbox", "key for Stripe"),
    Setting(
        "STRIPE_WEBHOOK_SECRET",
        "with the sandbox: random, per shop",
        "one or more signing secrets, comma-separated (rolling); required as soon as a key is set",
    ),
    Setting("STRIPE_API_BASE", "Stripe's own", "where the Stripe SDK sends its calls"),
    Setting(
        "JWT_SECRET",
        "generated into the data directory in one-process form; required in services form",
        "master secret for signing keys",
    ),
    Setting("MONGO_URI", "unset: SQLite", "documents"),
    Setting("REDIS_URL", "unset: SQLite", "stock"),
    *(
        Setting(f"{service.upper()}_SERVICE_URL", "unset: in process", f"where the {service} service is")
        for service in SERVICES
    ),
    Setting(
        "INTERNAL_SECRET",
        "generated in one-process form; required in services form",
        "master secret for calls between services",
    ),
    Setting("FRONTEND_URL", "the gateway's own address", "where Stripe sends the buyer back"),
    Setting("CURRENCY", "usd", "the shop's currency"),
    Setting(
        "PAYMENT_DECLINE_POLICY",
        "cancel",
        "`cancel`: a decline ends the order; `retry`: the buyer may try again until the session expires",
    ),
    Setting("ORDER_TTL_MINUTES", "30", "how long an unpaid order holds its stock; 1 to 1430"),
    Setting("TRUSTED_PROXIES", "none", "addresses or networks whose `X-Forwarded-For` counts, comma-separated"),
    Setting("CORS_ORIGINS", "none", "origins that browsers may call from, comma-separated; `*` for any"),
    Setting("LOW_STOCK_THRESHOLD", "10", "stock at which a product is reported as low"),
    Setting("RATE_LIMIT", "100/second", "requests a user (or address) may make; `off` for load tests"),
    Setting("PORT", "gateway 3000, auth 4000, product 5000, inventory 6000, order 7000, payment 8000", "port"),
    Setting("KASSA_DATA", ".kassa", "data directory"),
    Setting("LOG_LEVEL", "info", "`debug`, `info`, `warning` or `error`"),
    Setting("LOG_FORMAT", "json unless on a terminal", "`json` or `text`"),
)


def _secret() -> Any:
    return field(default=None, repr=False)


@dataclass(frozen=True)
class Settings:
    """All settings, checked. None: unset. What holds a secret is left out of `repr`."""

    stripe_secret_key: str | None = _secret()
    stripe_webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    stripe_api_base: str | None = None
    jwt_secret: str | None = _secret()
    mongo_uri: str | None = _secret()
    redis_url: str | None = _secret()
    service_urls: Mapping[str, str] = field(default_factory=dict)
    internal_secret: str | None = _secret()
    frontend_url: str | None = None
    currency: str = "usd"
    payment_decline_policy: str = "cancel"
    order_ttl_minutes: int = 30
    trusted_proxies: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    low_stock_threshold: int = 10
    rate_limit: Rate | None = field(default_factory=lambda: parse_rate("100/second"))
    port: int | None = None
    data: Path = Path(".kassa")
    log_level: str = "info"
    log_format: str | None = None

    @property
    def has_sandbox(self) -> bool:
        """Whether the built-in sandbox stands in for Stripe."""
        return self.stripe_secret_key is None

    def shares_stores(self, services: Collection[str]) -> bool:
        """Whether several processes may run these services: on MongoDB, and stock in Redis; SQLite is for one."""
        return self.mongo_uri is not None and ("inventory" not in services or self.redis_url is not None)

    def require_services_form(self, *urls_of: str) -> None:
        """SettingError unless the secrets, and the addresses of these services, are set."""
        for name, value in (("JWT_SECRET", self.jwt_secret), ("INTERNAL_SECRET", self.internal_secret)):
            if value is None:
                raise SettingError(name, "must be set when services run separately; all of them need the same one")
        for service in urls_of:
            if service not in self.service_urls:
                raise SettingError(f"{service.upper()}_SERVICE_URL", f"must be set: where the {service} service is")


def read_settings(environment: Mapping[str, str] | None = None, dotenv: Path | None = None) -> Settings:
    """The settings of the environment (by default the process's, over `.env`); SettingError names the wrong one."""
    given = dict(environment) if environment is not None else _surroundings(dotenv or Path(".env"))
    get = _Reader(given)
    settings = Settings(
        stripe_secret_key=get("STRIPE_SECRET_KEY", _stripe_key),
        stripe_webhook_secrets=get("STRIPE_WEBHOOK_SECRET", _webhook_secrets) or (),
        stripe_api_base=get("STRIPE_API_BASE", _url),
        jwt_secret=get("JWT_SECRET", str),
        mongo_uri=get("MONGO_URI", _uri("mongodb", "mongodb+srv")),
        redis_url=get("REDIS_URL", _uri("redis", "rediss", "unix")),
        service_urls={
            service: url for service in SERVICES if (url := get(f"{service.upper()}_SERVICE_URL", _url)) is not None
        },
        internal_secret=get("INTERNAL_SECRET", str),
        frontend_url=get("FRONTEND_URL", _url),
        currency=get("CURRENCY", _currency) or "usd",
        payment_decline_policy=get("PAYMENT_DECLINE_POLICY", _one_of("cancel", "retry")) or "cancel",
        order_ttl_minutes=get("ORDER_TTL_MINUTES", _whole(1, 1430)) or 30,
        trusted_proxies=get("TRUSTED_PROXIES", _networks) or (),
        cors_origins=get("CORS_ORIGINS", _origins) or (),
        low_stock_threshold=_or(get("LOW_STOCK_THRESHOLD", _whole(0, 1_000_000_000)), 10),
        rate_limit=_rate(given.get("RATE_LIMIT") or "100/second"),
        port=get("PORT", _whole(1, 65535)),
        data=Path(given.get("KASSA_DATA") or ".kassa"),
        log_level=get("LOG_LEVEL", _one_of(*_LEVELS)) or "info",
        log_format=get("LOG_FORMAT", _one_of("json", "text")),
    )
    _check_together(settings)
    return settings


def _check_together(settings: Settings) -> None:
    if settings.stripe_secret_key is not None and not settings.stripe_webhook_secrets:
        raise SettingError("STRIPE_WEBHOOK_SECRET", "must be set when STRIPE_SECRET_KEY is; `stripe listen` prints it")
    if settings.stripe_api_base is not None and settings.stripe_secret_key is None:
        raise SettingError("STRIPE_SECRET_KEY", "must be set when STRIPE_API_BASE is; without both a sandbox is used")


def _surroundings(dotenv: Path) -> dict[str, str]:
    written = {name: value for name, value in dotenv_values(dotenv).items() if value is not None}
    return {**written, **os.environ}


def _or(value: int | None, otherwise: int) -> int:
    return otherwise if value is None else value


class _Reader:
    """Reads one setting: unset and empty are the same, what cannot be read is a SettingError with its name."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given

    def __call__(self, name: str, read: Callable[[str], Any]) -> Any:
        text = self._given.get(name, "").strip()
        if not text:
            return None
        try:
            return read(text)
        except ValueError as error:
            raise SettingError(name, str(error)) from None


def _stripe_key(text: str) -> str:
    # What was given is not told, for it may be another secret.
    if not re.fullmatch(r"(sk|rk)_\S+", text):
        raise ValueError("must be a secret or restricted key of Stripe: it begins with sk_ or rk_")
    return text


def _webhook_secrets(text: str) -> tuple[str, ...]:
    secrets = _parts(text)
    if not secrets or any(re.search(r"\s|^[psr]k_", secret) for secret in secrets):
        raise ValueError("must be signing secrets of webhooks (whsec_...), comma-separated; this looks like a key")
    return secrets


def _url(text: str) -> str:
    if not _is_url(text, ("http", "https")):
        raise ValueError(f"must be an address such as http://127.0.0.1:3000, not {text!r}")
    return text.rstrip("/")


def _uri(*schemes: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        # The text itself is not told: it may hold a password.
        if not _is_url(text, schemes):
            raise ValueError(f"must be an address that begins with {' or '.join(f'{each}://' for each in schemes)}")
        return text

    return read


def _is_url(text: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(text)
        # Reading the port checks it; a cluster's list of hosts has none that can be read.
        is_plain = "," in parts.netloc or parts.port is None or parts.port > 0
    except ValueError:
        return False
    has_place = bool(parts.netloc) or (parts.scheme == "unix" and bool(parts.path))
    return parts.scheme in schemes and has_place and is_plain and not re.search(r"\s", text)


def _currency(text: str) -> str:
    try:
        return known_currency(text)
    except InvalidMoney as error:
        raise ValueError(f"is not right: {error}") from None


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(f"must be {', '.join(words[:-1])} or {words[-1]}, not {text!r}")
        return text.lower()

    return read


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text) or not least <= int(text) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}, not {text!r}")
        return int(text)

    return read


def _networks(text: str) -> tuple[str, ...]:
    for part in _parts(text):
        try:
            ipaddress.ip_network(part, strict=False)
        except ValueError:
            raise ValueError(f"must be addresses or networks such as 10.0.0.0/8, not {part!r}") from None
    return _parts(text)


def _origins(text: str) -> tuple[str, ...]:
    for part in _parts(text):
        is_origin = _is_url(part, ("http", "https")) and urlsplit(part).path == "" and "@" not in part
        if part != "*" and not is_origin:
            raise ValueError(f"must be origins such as https://shop.example, not {part!r}")
    return _parts(text)


def _rate(text: str) -> Rate | None:
    try:
        return parse_rate(text.strip().lower())
    except ValueError:
        raise SettingError("RATE_LIMIT", f"must be such as 100/second or 600/minute, or off, not {text!r}") from None


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
