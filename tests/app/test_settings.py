"""What the settings may be, and what is said about those that they may not be."""

import base64
import re
from pathlib import Path

import pytest

from kassa.app.settings import SERVICES, SETTINGS, SettingError, read_settings
from kassa.gateway.limits import Rate
from kassa.order.domain import Limits
from tests.support import OWN_SECRET, OWN_SECRETS, WEBHOOK_SECRET

ROOT = Path(__file__).parents[2]


def test_without_settings_there_is_a_shop_with_a_sandbox() -> None:
    settings = read_settings({})
    assert settings.has_sandbox
    assert (settings.currency, settings.order_ttl_minutes, settings.low_stock_threshold) == ("usd", 30, 10)
    assert settings.payment_decline_policy == "cancel"
    assert settings.rate_limit == Rate(100, 1.0)
    assert settings.data == Path(".kassa")
    assert settings.service_urls == {}


def test_a_load_test_has_no_limits_of_open_orders_but_those_that_are_set() -> None:
    assert read_settings({}).order_limits == Limits(20, 10, 50, 50)
    assert read_settings({"RATE_LIMIT": "off"}).order_limits == Limits(20, None, None)
    given = {"RATE_LIMIT": "off", "BUYER_MAX_OPEN_ORDERS": "7", "ADDRESS_MAX_OPEN_ORDERS": "OFF"}
    assert read_settings(given).order_limits == Limits(20, 7, None)


def test_empty_is_unset() -> None:
    assert read_settings({setting.name: "" for setting in SETTINGS}) == read_settings({})


def test_settings_are_read() -> None:
    settings = read_settings(
        {
            "STRIPE_SECRET_KEY": "sk_test_1",
            "STRIPE_WEBHOOK_SECRET": f"{WEBHOOK_SECRET}, {WEBHOOK_SECRET}2",
            "STRIPE_API_BASE": "http://127.0.0.1:12111/",
            "ORDER_SERVICE_URL": "http://order:7000",
            "CURRENCY": "JPY",
            "TRUSTED_PROXIES": "10.0.0.0/8,::1",
            "CORS_ORIGINS": "https://a.example, https://b.example:8443",
            "RATE_LIMIT": "off",
            "LOW_STOCK_THRESHOLD": "0",
            "ORDER_TTL_MINUTES": "1430",
        }
    )
    assert settings.stripe_webhook_secrets == (WEBHOOK_SECRET, f"{WEBHOOK_SECRET}2")
    assert settings.stripe_api_base == "http://127.0.0.1:12111"
    assert settings.service_urls == {"order": "http://order:7000"}
    assert settings.currency == "jpy"
    assert settings.trusted_proxies == ("10.0.0.0/8", "::1")
    assert settings.cors_origins == ("https://a.example", "https://b.example:8443")
    assert (settings.rate_limit, settings.low_stock_threshold, settings.order_ttl_minutes) == (None, 0, 1430)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRIPE_SECRET_KEY", "pk_test_1"),
        ("STRIPE_SECRET_KEY", "whsec_1"),
        ("STRIPE_WEBHOOK_SECRET", "sk_test_1"),
        ("STRIPE_WEBHOOK_SECRET", ","),
        ("STRIPE_API_BASE", "localhost:12111"),
        ("MONGO_URI", "http://localhost"),
        ("REDIS_URL", "localhost:6379"),
        ("AUTH_SERVICE_URL", "auth:4000"),
        ("PRODUCT_SERVICE_URL", "ftp://product"),
        ("INVENTORY_SERVICE_URL", "http://"),
        ("ORDER_SERVICE_URL", "http://order:x"),
        ("PAYMENT_SERVICE_URL", "http://payment:99999"),
        ("FRONTEND_URL", "shop.example"),
        ("SECURITY_CONTACT", "security@shop.example"),
        ("SECURITY_CONTACT", "http://shop.example/security"),
        ("SECURITY_CONTACT", "mailto:security"),
        ("SECURITY_CONTACT", "mailto:a@shop.example,tel:+41"),
        ("SECURITY_CONTACT", "https://user:word@shop.example"),
        ("SECURITY_CONTACT", "https://shop.example:99999/"),
        ("SECURITY_CONTACT", "https://shop.example/s\u00e9curit\u00e9"),
        ("SECURITY_CONTACT", ","),
        ("CURRENCY", "xyz"),
        ("PAYMENT_DECLINE_POLICY", "maybe"),
        ("ORDER_NUMBER_START", "0"),
        ("ORDER_NUMBER_START", "1000000001"),
        ("ORDER_MAX_PIECES", "0"),
        ("ORDER_MAX_PIECES", "off"),
        ("BUYER_MAX_OPEN_ORDERS", "0"),
        ("BUYER_MAX_OPEN_ORDERS", "none"),
        ("ADDRESS_MAX_OPEN_ORDERS", "1001"),
        ("ORDER_MAX_PIECES_IN_ALL", "0"),
        ("ORDER_TTL_MINUTES", "x"),
        ("ORDER_TTL_MINUTES", "0"),
        ("ORDER_TTL_MINUTES", "1431"),
        ("ORDER_TTL_MINUTES", "1.5"),
        ("LOGIN_DAYS", "0"),
        ("LOGIN_DAYS", "366"),
        ("RETAIN_ACTS_DAYS", "-1"),
        ("RETAIN_ACTS_DAYS", "3651"),
        ("SECOND_FACTOR_REQUIRED", "yes"),
        ("TRUSTED_PROXIES", "10.0.0.0/33"),
        ("TRUSTED_PROXIES", "proxy"),
        ("CORS_ORIGINS", "shop.example"),
        ("CORS_ORIGINS", "https://shop.example/path"),
        ("LOW_STOCK_THRESHOLD", "-1"),
        ("RATE_LIMIT", "100"),
        ("RATE_LIMIT", "0/second"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line_that_names_the_setting(name: str, value: str) -> None:
    with pytest.raises(SettingError) as refused:
        read_settings({name: value})
    assert str(refused.value).startswith(f"{name} ")
    assert "\n" not in str(refused.value)


def test_the_line_says_what_would_be_right() -> None:
    with pytest.raises(SettingError, match="ORDER_TTL_MINUTES must be a whole number from 1 to 1430"):
        read_settings({"ORDER_TTL_MINUTES": "x"})


def test_a_key_without_a_webhook_secret_is_refused() -> None:
    with pytest.raises(SettingError, match="STRIPE_WEBHOOK_SECRET"):
        read_settings({"STRIPE_SECRET_KEY": "sk_test_1"})


def test_an_address_for_stripe_without_a_key_is_refused() -> None:
    with pytest.raises(SettingError, match="STRIPE_SECRET_KEY"):
        read_settings({"STRIPE_API_BASE": "http://127.0.0.1:1"})


def test_services_form_needs_its_secrets_and_addresses() -> None:
    given = {**OWN_SECRETS, "AUTH_SERVICE_URL": "http://auth:4000"}
    read_settings(given).require_services_form(("auth",), "auth")
    for name in given:
        incomplete = {other: value for other, value in given.items() if other != name}
        with pytest.raises(SettingError, match=name):
            read_settings(incomplete).require_services_form(("auth",), "auth")


def test_whom_to_tell_of_a_hole_are_uris_and_shown_nowhere_else() -> None:
    given = "mailto:security%2Bshop@shop.example, https://shop.example:8443/security?lang=en"
    settings = read_settings({"SECURITY_CONTACT": given})
    assert settings.security_contacts == tuple(given.split(", "))
    assert "security" not in repr(settings)


def test_secrets_are_shown_nowhere() -> None:
    secrets = {
        "STRIPE_SECRET_KEY": "sk_live_hidden",
        "STRIPE_WEBHOOK_SECRET": f"whsec_hidden{OWN_SECRET}",
        "JWT_SECRET": f"hidden{OWN_SECRET}",
        "INTERNAL_SECRET": f"hidden{OWN_SECRET}",
        "MONGO_URI": "mongodb://shop:hidden@mongo",
        "REDIS_URL": "redis://:hidden@redis",
    }
    assert "hidden" not in repr(read_settings(secrets))


@pytest.mark.parametrize("name", ["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "MONGO_URI", "REDIS_URL"])
def test_a_wrong_secret_is_not_told(name: str) -> None:
    with pytest.raises(SettingError) as refused:
        read_settings({name: "pk_hidden"})
    assert "hidden" not in str(refused.value)


VALID = {
    "SHOP_NAME": "Mug & Co",
    "WITHDRAWAL_DAYS": "30",
    "MAIL_URL": "smtps://hidden:hidden@mail.example",
    "MAIL_FROM": "shop@mail.example",
    "MAIL_TEMPLATES": "/",
    "STRIPE_SECRET_KEY": "sk_test_hidden",
    "STRIPE_WEBHOOK_SECRET": f"whsec_hidden{OWN_SECRET}",
    "STRIPE_API_BASE": "https://hidden.example",
    "JWT_SECRET": f"hidden{OWN_SECRET}",
    "INTERNAL_SECRET": f"hidden{OWN_SECRET}",
    "SERVICE_KEYS": f"order:{base64.b64encode(b'hidden' * 5 + b'--').decode()}",
    "SERVICE_PUBLIC_KEYS": f"order:{base64.b64encode(b'hidden' * 5 + b'--').decode()}",
    "MONGO_URI": "mongodb://shop:hidden@mongo",
    "REDIS_URL": "redis://:hidden@redis",
    "FRONTEND_URL": "https://hidden.example",
    "SECURITY_CONTACT": "mailto:hidden@shop.example",
    "HTTPS_PROXY": "http://user:hidden@proxy.example",
    "HTTP_PROXY": "http://user:hidden@proxy.example",
    **{f"{service.upper()}_SERVICE_URL": "http://user:hidden@service" for service in SERVICES},
    "CORS_ORIGINS": "https://hidden.example",
    "KASSA_DATA": "hidden",
    "CURRENCY": "usd",
    "PAYMENT_DECLINE_POLICY": "retry",
    "TAX": "rates",
    "ORDER_TTL_MINUTES": "30",
    "ORDER_NUMBER_START": "1001",
    "ORDER_MAX_PIECES": "20",
    "BUYER_MAX_OPEN_ORDERS": "off",
    "ADDRESS_MAX_OPEN_ORDERS": "20",
    "ORDER_MAX_PIECES_IN_ALL": "50",
    "LOGIN_DAYS": "90",
    "SECOND_FACTOR_REQUIRED": "staff",
    "RETAIN_UNUSED_ACCOUNTS_DAYS": "1095",
    "RETAIN_ACTS_DAYS": "730",
    "RETAIN_EVENTS_DAYS": "7",
    "EVENTS_TO_PRIVATE_ADDRESSES": "allowed",
    "SUPPORT_REFUND_LIMIT": "100",
    "SUPPORT_REFUND_DAY_LIMIT": "500",
    "TRUSTED_PROXIES": "10.0.0.0/8",
    "LOW_STOCK_THRESHOLD": "3",
    "RATE_LIMIT": "100/second",
    "PORT": "3000",
    "METRICS_PORT": "9100",
    "LOG_LEVEL": "info",
    "LOG_FORMAT": "json",
    "NO_PROXY": "hidden",
    "TLS_CERTIFICATE": "certificate.pem",
    "TLS_KEY": "key.pem",
    "TLS_CA": "ca.pem",
}
SECRETS_AND_ADDRESSES = [
    name for name, value in VALID.items() if "hidden" in value and name not in ("KASSA_DATA", "NO_PROXY")
]
UNSEEN = {
    "zero width space": "\u200b",
    "byte order mark": "\ufeff",
    "no-break space": "\xa0",
    "soft hyphen": "\xad",
    "zero width joiner": "\u200d",
    "hangul filler": "\u3164",
    "line feed": "\n",
    "tab": "\t",
}


def refused_value(name: str, value: str) -> str:
    """What is said about a wrong value: one line that names the setting, and nothing secret."""
    keys = {"STRIPE_SECRET_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET}
    base = {"STRIPE_API_BASE": "http://stripe.example"} if name == "HTTP_PROXY" else {}
    together = {**keys, **base, name: value}
    with pytest.raises(SettingError) as refused:
        read_settings(together)
    text = str(refused.value)
    assert text.startswith(f"{name} ")
    assert text.isprintable()
    assert "hidden" not in text
    return text


def test_these_values_are_right_and_of_all_settings() -> None:
    assert set(VALID) == {setting.name for setting in SETTINGS}
    read_settings(VALID)


@pytest.mark.parametrize("name", VALID)
@pytest.mark.parametrize("quotes", ['""', "''", "“”", "‘’", "``"])
def test_quotation_marks_that_came_along_are_named(name: str, quotes: str) -> None:
    assert "quotation marks" in refused_value(name, f"{quotes[0]}{VALID[name]}{quotes[1]}")


@pytest.mark.parametrize("name", VALID)
@pytest.mark.parametrize("unseen", UNSEEN.values(), ids=UNSEEN)
def test_a_character_that_nobody_sees_is_named_wherever_it_is(name: str, unseen: str) -> None:
    value = VALID[name]
    for given in (f"{unseen}{value}", f"{value}{unseen}", f"{value[:2]}{unseen}{value[2:]}"):
        if given.strip() != value or unseen not in "\t\n":  # Those are what lines end with.
            assert f"U+{ord(unseen):04X}" in refused_value(name, given)


@pytest.mark.parametrize("name", SECRETS_AND_ADDRESSES)
def test_a_space_inside_a_secret_or_an_address_is_refused(name: str) -> None:
    value = VALID[name]
    refused_value(name, f"{value[:9]} {value[9:]}")


def test_blanks_and_line_ends_around_a_value_do_not_count() -> None:
    assert read_settings({name: f" {value}\r\n" for name, value in VALID.items()}) == read_settings(VALID)


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("STRIPE_SECRET_KEY", "pk_live_hidden", "a publishable key"),
        ("STRIPE_SECRET_KEY", "whsec_hidden", "a webhook's signing secret"),
        ("STRIPE_SECRET_KEY", "sk_live_ hidden", "a space"),
        ("STRIPE_WEBHOOK_SECRET", "we_hidden", "the id of a webhook endpoint"),
        ("STRIPE_WEBHOOK_SECRET", f"{WEBHOOK_SECRET},we_hidden", "the id of a webhook endpoint"),
        ("STRIPE_WEBHOOK_SECRET", "sk_test_hidden", "a secret key"),
        ("STRIPE_WEBHOOK_SECRET", "rk_test_hidden", "a restricted key"),
        ("STRIPE_WEBHOOK_SECRET", "pk_test_hidden", "a publishable key"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_1 whsec_hidden", "a space"),
        ("STRIPE_WEBHOOK_SECRET", f'{WEBHOOK_SECRET},"whsec_hidden"', ""),
    ],
)
def test_one_secret_in_the_place_of_another_is_told_apart(name: str, value: str, kind: str) -> None:
    assert kind in refused_value(name, value)


@pytest.mark.parametrize(
    "value",
    [
        "https://shop.example?hidden=1",
        "https://shop.example/#hidden",
        "https://shop.example/?",
        "https://user:hidden@shop.example",
        "https://shop.example\\hidden",
        "https://",
        "https://x" + "ü" * 70 + ".example",
        "//shop.example",
    ],
)
def test_a_storefront_s_address_that_would_break_the_way_back_is_refused(value: str) -> None:
    refused_value("FRONTEND_URL", value)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("https://shop.example/", "https://shop.example"),
        ("HTTPS://Shop.Example:443", "https://shop.example"),
        ("http://shop.example:8080/", "http://shop.example:8080"),
        ("https://shop.example/Store/", "https://shop.example/Store"),
        ("https://shop.example/läden", "https://shop.example/l%C3%A4den"),
        ("https://münchen.example", "https://xn--mnchen-3ya.example"),
        ("https://MÜNCHEN.example/", "https://xn--mnchen-3ya.example"),
        ("https://xn--mnchen-3ya.example", "https://xn--mnchen-3ya.example"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_a_storefront_s_address_is_spelled_as_browsers_and_stripe_want_it(given: str, read: str) -> None:
    assert read_settings({"FRONTEND_URL": given}).frontend_url == read


def test_origins_are_spelled_as_browsers_send_them() -> None:
    given = "https://München.example, HTTPS://Shop.Example:443/, http://shop.example:8080, *"
    read = ("https://xn--mnchen-3ya.example", "https://shop.example", "http://shop.example:8080", "*")
    assert read_settings({"CORS_ORIGINS": given}).cors_origins == read


def test_a_file_from_windows_loses_no_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CURRENCY", raising=False)
    (tmp_path / ".env").write_text("CURRENCY=chf\r\n", encoding="utf-8-sig")
    assert read_settings(dotenv=tmp_path / ".env").currency == "chf"
    (tmp_path / ".env").write_text("CURRENCY=chf\r\n", encoding="utf-16")
    with pytest.raises(SettingError, match="must be a text in UTF-8"):
        read_settings(dotenv=tmp_path / ".env")


def test_the_environment_counts_more_than_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("CURRENCY=eur\nLOW_STOCK_THRESHOLD=3\n")
    for setting in SETTINGS:
        monkeypatch.delenv(setting.name, raising=False)
    monkeypatch.setenv("CURRENCY", "chf")
    settings = read_settings(dotenv=tmp_path / ".env")
    assert (settings.currency, settings.low_stock_threshold) == ("chf", 3)


def test_there_are_not_many_settings_each_with_words_to_it() -> None:
    assert len(SETTINGS) <= 53
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)
    assert all(setting.help and setting.default for setting in SETTINGS)


@pytest.mark.parametrize("name", VALID)
@pytest.mark.parametrize("dots", ["...", "…"])
def test_the_dots_of_an_example_are_no_value(name: str, dots: str) -> None:
    for value in (f"{VALID[name][:3]}{dots}", f"{VALID[name]}{dots}"):
        assert "ends with ..., which stands for what is left out: set the whole value" in refused_value(name, value)


def test_what_the_readme_shows_for_a_key_and_a_secret_is_refused() -> None:
    shown = re.findall(r"^ *(STRIPE_\w+)=(\S+)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert {name for name, _ in shown} == {"STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"}
    for name, value in shown:
        assert "set the whole value" in refused_value(name, value)
