"""The settings: read from the environment and `.env`, checked at the start, never changed afterwards."""

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar

from dotenv import dotenv_values

from kassa.app import reading, reading_mail
from kassa.app.reading_mail import Mailing as Mailing
from kassa.app.settings_table import RATE
from kassa.app.settings_table import SERVICES as SERVICES
from kassa.app.settings_table import SETTINGS as SETTINGS
from kassa.contracts.withdrawals import DEFAULT_DAYS, MOST_DAYS
from kassa.gateway.limits import Rate, parse_rate
from kassa.mail.mail_server import Server
from kassa.order.domain import MAX_QUANTITY, Limits
from kassa.order.numbers import FIRST

DEFAULT_PORTS = {"gateway": 3000, "auth": 4000, "product": 5000, "inventory": 6000, "order": 7000, "payment": 8000}
STRIPE = "https://api.stripe.com"
_LEVELS = ("debug", "info", "warning", "error")
_MAY_BE = ("refused", "allowed")
_BLANKS = " \t\r\n"

StripeMode: TypeAlias = Literal["sandbox", "test", "live"]

T = TypeVar("T")


class SettingError(Exception):
    """A setting is missing or wrong; the text is one line that names it and says what would be right."""

    def __init__(self, name: str, wrong: str) -> None:
        self.name = name
        super().__init__(f"{name} {wrong}")


class Retention(NamedTuple):
    """After how many days what is removed; 0: never."""

    unused_accounts: int = 0
    acts: int = 400
    events: int = 30


class TlsFiles(NamedTuple):
    """Where the files are for TLS between services, as the settings that begin with TLS_ say."""

    certificate: Path | None = None
    key: Path | None = None
    ca: Path | None = None


def _secret() -> Any:
    return field(default=None, repr=False)


@dataclass(frozen=True)
class Settings:
    """All settings, checked. None: unset. What holds a secret, or a person's address, is left out of `repr`."""

    stripe_secret_key: str | None = _secret()
    asks_for_sandbox: bool = False
    stripe_webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    stripe_api_base: str | None = _secret()
    stripe_proxy: str | None = _secret()
    jwt_secrets: tuple[str, ...] = field(default=(), repr=False)
    mongo_uri: str | None = _secret()
    redis_url: str | None = _secret()
    service_urls: Mapping[str, str] = field(default_factory=dict, repr=False)
    internal_secret: str | None = _secret()
    service_keys: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    service_public_keys: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict, repr=False)
    tls: TlsFiles = field(default_factory=TlsFiles)
    frontend_url: str | None = None
    security_contacts: tuple[str, ...] = field(default=(), repr=False)
    currency: str = "usd"
    payment_decline_policy: str = "cancel"
    tax: Literal["none", "rates", "stripe"] = "none"
    order_ttl_minutes: int = 30
    order_number_start: int = FIRST
    order_limits: Limits = field(default_factory=lambda: Limits(20, 5, 20, 50))
    shop_name: str = "Kassa"
    withdrawal_days: int = DEFAULT_DAYS
    mail: Mailing = field(default_factory=Mailing, repr=False)
    login_days: int = 90
    second_factor_required: str = "off"
    support_refund_limits: tuple[int, int] = (100, 500)
    retention: Retention = field(default_factory=Retention)
    sends_to_private_addresses: bool = False
    trusted_proxies: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    low_stock_threshold: int = 10
    rate_limit: Rate | None = field(default_factory=lambda: parse_rate(RATE))
    port: int | None = None
    metrics_port: int | None = None
    data: Path = Path(".kassa")
    log_level: str = "info"
    log_format: str | None = None

    @property
    def has_sandbox(self) -> bool:
        """Whether the built-in sandbox stands in for Stripe."""
        return self.stripe_secret_key is None

    @property
    def stripe_mode(self) -> StripeMode:
        """Whose payments are taken. Stripe's keys name their mode (Stripe docs: keys)."""
        if self.stripe_secret_key is None or self.asks_for_sandbox:
            return "sandbox"
        return "live" if self.stripe_secret_key.startswith(("sk_live_", "rk_live_")) else "test"

    def require_key(self, here: Collection[str], host: str) -> None:
        """SettingError if payments are among the services `here`, and the sandbox, which confirms orders without money,
        cannot be meant for a process that listens on `host`, and is not asked for by its name."""
        signs = (
            (bool(self.stripe_webhook_secrets), "STRIPE_WEBHOOK_SECRET is set"),
            ((self.frontend_url or "").startswith("https:"), "FRONTEND_URL is an address for the public"),
            (not reading.is_loopback(host), f"{host} can be reached from outside"),
        )
        why = next((why for is_there, why in signs if is_there), None)
        if "payment" in here and self.has_sandbox and not self.asks_for_sandbox and why is not None:
            by_name = "the sandbox, which takes no money, is asked for by STRIPE_SECRET_KEY=sandbox"
            raise SettingError("STRIPE_SECRET_KEY", f"must be set, for {why}; {by_name}")

    def shares_stores(self, services: Collection[str]) -> bool:
        """Whether several processes may run these services: on MongoDB, and stock in Redis; SQLite is for one."""
        return self.mongo_uri is not None and ("inventory" not in services or self.redis_url is not None)

    def require_services_form(self, here: Collection[str], *urls_of: str) -> None:
        """SettingError unless the secrets that the services `here` need are set, and the addresses of those others."""
        if "auth" in here and not self.jwt_secrets:
            raise SettingError("JWT_SECRET", "must be set when services run separately; for the auth service alone")
        if self.internal_secret is None and not (self.service_keys and self.service_public_keys):
            text = "must be set when services run apart; all need the same one, or a key each: `kassa keys services`"
            raise SettingError("INTERNAL_SECRET", text)
        missing = [] if self.internal_secret else [each for each in here if each not in self.service_keys]
        if missing:
            text = f"must have a key of the {missing[0]} service; `kassa keys services` makes them"
            raise SettingError("SERVICE_KEYS", text)
        for service in urls_of:
            if service not in self.service_urls:
                raise SettingError(f"{service.upper()}_SERVICE_URL", f"must be set: where the {service} service is")


def read_settings(environment: Mapping[str, str] | None = None, dotenv: Path | None = None) -> Settings:
    """The settings of the environment (by default the process's, over `.env`); SettingError names the wrong one."""
    return _checked(_read(_Reader(environment if environment is not None else _surroundings(dotenv or Path(".env")))))


def _read(get: "_Reader") -> Settings:
    return Settings(
        **_of_stripe(get),
        jwt_secrets=get.maybe("JWT_SECRET", reading.secrets) or (),
        mongo_uri=get.maybe("MONGO_URI", reading.uri("mongodb", "mongodb+srv")),
        redis_url=get.maybe("REDIS_URL", reading.redis_url),
        service_urls=_service_urls(get),
        internal_secret=get.maybe("INTERNAL_SECRET", reading.secret),
        service_keys=get.maybe("SERVICE_KEYS", reading.service_keys) or {},
        service_public_keys=get.maybe("SERVICE_PUBLIC_KEYS", reading.service_public_keys) or {},
        tls=TlsFiles(*(get.maybe(f"TLS_{name.upper()}", Path) for name in TlsFiles._fields)),
        frontend_url=get.maybe("FRONTEND_URL", reading.frontend_url),
        security_contacts=get.maybe("SECURITY_CONTACT", reading.contacts) or (),
        currency=get("CURRENCY", reading.currency, "usd"),
        tax=get("TAX", reading.one_of("none", "rates", "stripe"), "none"),
        payment_decline_policy=get("PAYMENT_DECLINE_POLICY", reading.one_of("cancel", "retry"), "cancel"),
        order_ttl_minutes=get("ORDER_TTL_MINUTES", reading.whole(1, 1430), "30"),
        order_number_start=get("ORDER_NUMBER_START", reading.whole(1, 10**9), str(FIRST)),
        order_limits=_order_limits(get),
        shop_name=get("SHOP_NAME", reading_mail.shop_name, "Kassa"),
        withdrawal_days=get("WITHDRAWAL_DAYS", reading.whole(0, MOST_DAYS), str(DEFAULT_DAYS)),
        mail=_mailing(get),
        login_days=get("LOGIN_DAYS", reading.whole(1, 365), "90"),
        second_factor_required=get("SECOND_FACTOR_REQUIRED", reading.one_of("off", "staff"), "off"),
        support_refund_limits=_support_refund_limits(get),
        retention=_retention(get),
        sends_to_private_addresses=get("EVENTS_TO_PRIVATE_ADDRESSES", reading.one_of(*_MAY_BE), "refused") == "allowed",
        trusted_proxies=get.maybe("TRUSTED_PROXIES", reading.networks) or (),
        cors_origins=get.maybe("CORS_ORIGINS", reading.origins) or (),
        low_stock_threshold=get("LOW_STOCK_THRESHOLD", reading.whole(0, 1_000_000_000), "10"),
        rate_limit=get("RATE_LIMIT", reading.rate, RATE),
        port=get.maybe("PORT", reading.whole(1, 65535)),
        metrics_port=get.maybe("METRICS_PORT", reading.whole(1, 65535)),
        data=get("KASSA_DATA", reading.directory, ".kassa"),
        log_level=get("LOG_LEVEL", reading.one_of(*_LEVELS), "info"),
        log_format=get.maybe("LOG_FORMAT", reading.one_of("json", "text")),
    )


def _of_stripe(get: "_Reader") -> dict[str, Any]:
    named = get.maybe("STRIPE_SECRET_KEY", reading.stripe_key)
    key = None if named == reading.SANDBOX else named
    base = get.maybe("STRIPE_API_BASE", reading.url)
    return {
        "stripe_secret_key": key,
        "asks_for_sandbox": named == reading.SANDBOX,
        "stripe_webhook_secrets": get.maybe("STRIPE_WEBHOOK_SECRET", reading.webhook_secrets) or (),
        "stripe_api_base": base,
        "stripe_proxy": _proxy(get, base or STRIPE) if key is not None else None,
    }


def read_data_directory() -> Path:
    """KASSA_DATA alone, for what needs no other setting."""
    return _Reader(_surroundings(Path(".env")))("KASSA_DATA", Path, ".kassa")


def _checked(settings: Settings) -> Settings:
    if settings.stripe_secret_key is not None and not settings.stripe_webhook_secrets:
        raise SettingError("STRIPE_WEBHOOK_SECRET", "must be set when STRIPE_SECRET_KEY is; `stripe listen` prints it")
    if (settings.tls.certificate is None) is not (settings.tls.key is None):
        missing, other = ("TLS_KEY", "TLS_CERTIFICATE") if settings.tls.key is None else ("TLS_CERTIFICATE", "TLS_KEY")
        raise SettingError(missing, f"must be set when {other} is")
    if isinstance(settings.mail.by, Server) and settings.mail.sender is None:
        raise SettingError("MAIL_FROM", "must be set when MAIL_URL is a mail server: the address that mails are from")
    if settings.stripe_api_base is not None and settings.stripe_secret_key is None:
        raise SettingError("STRIPE_SECRET_KEY", "must be set when STRIPE_API_BASE is; without both a sandbox is used")
    return settings


def _service_urls(get: "_Reader") -> dict[str, str]:
    urls = {service: get.maybe(f"{service.upper()}_SERVICE_URL", reading.url) for service in SERVICES}
    return {service: url for service, url in urls.items() if url is not None}


def _order_limits(get: "_Reader") -> Limits:
    lifted = "off" if get("RATE_LIMIT", reading.rate, RATE) is None else ""
    return Limits(
        pieces=get("ORDER_MAX_PIECES", reading.whole(1, MAX_QUANTITY), "20"),
        per_buyer=get("BUYER_MAX_OPEN_ORDERS", reading.whole_or_off(1, 1000), lifted or "10"),
        per_address=get("ADDRESS_MAX_OPEN_ORDERS", reading.whole_or_off(1, 1000), lifted or "50"),
        in_all=get("ORDER_MAX_PIECES_IN_ALL", reading.whole_or_off(1, 1000), lifted or "50"),
    )


def _surroundings(dotenv: Path) -> dict[str, str]:
    try:
        # Editors on Windows put a mark before the first line, which would become a part of its name.
        lines = dotenv_values(dotenv, encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise SettingError(str(dotenv), "must be a text in UTF-8: save it as such") from None
    except OSError as error:
        raise SettingError(str(dotenv), f"cannot be read: {error.strerror}") from None
    return {**{name: value for name, value in lines.items() if value is not None}, **os.environ}


def _proxy(get: "_Reader", base: str) -> str | None:
    """The proxy for calls to this address. Names in lower case count more, as everywhere (curl: environment)."""
    scheme = base.partition(":")[0]
    names = (f"{scheme}_proxy", f"{scheme}_proxy".upper())
    proxy = next((found for name in names if (found := get.maybe(name, reading.proxy))), None)
    spared = get.maybe("no_proxy", str) or get.maybe("NO_PROXY", str) or ""
    return None if proxy is None or reading.is_spared(base, spared) else proxy


def _mailing(get: "_Reader") -> Mailing:
    return Mailing(
        by=get("MAIL_URL", reading_mail.mail, "files"),
        sender=get.maybe("MAIL_FROM", reading_mail.mail_from),
        templates=get.maybe("MAIL_TEMPLATES", reading_mail.templates),
    )


def _retention(get: "_Reader") -> Retention:
    days = reading.whole(0, 3650)
    return Retention(
        get("RETAIN_UNUSED_ACCOUNTS_DAYS", days, "0"),
        get("RETAIN_ACTS_DAYS", days, "400"),
        get("RETAIN_EVENTS_DAYS", reading.whole(4, 3650), "30"),
    )


def _support_refund_limits(get: "_Reader") -> tuple[int, int]:
    read = reading.whole(0, 1_000_000_000)
    return get("SUPPORT_REFUND_LIMIT", read, "100"), get("SUPPORT_REFUND_DAY_LIMIT", read, "500")


class _Reader:
    """Reads settings out of their texts: unset and empty are the same; what cannot be read is a SettingError."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given

    def __call__(self, name: str, read: Callable[[str], T], default: str) -> T:
        """The setting's value; what `default` reads as, if it is unset."""
        text = self._given.get(name, "").strip(_BLANKS) or default
        try:
            reading.check_pasted(text)
            return read(text)
        except ValueError as error:
            raise SettingError(name, str(error)) from None

    def maybe(self, name: str, read: Callable[[str], T]) -> T | None:
        """The setting's value; None if it is unset."""
        return self(name, read, "") if self._given.get(name, "").strip(_BLANKS) else None
