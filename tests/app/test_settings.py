"""What the settings may be, and what is said about those that they may not be."""

from pathlib import Path

import pytest

from kassa.app.settings import SETTINGS, SettingError, read_settings
from kassa.gateway.limits import Rate

LONG = "0123456789abcdef0123456789abcdef"


def test_without_settings_there_is_a_shop_with_a_sandbox() -> None:
    settings = read_settings({})
    assert settings.has_sandbox
    assert (settings.currency, settings.order_ttl_minutes, settings.low_stock_threshold) == ("usd", 30, 10)
    assert settings.payment_decline_policy == "cancel"
    assert settings.rate_limit == Rate(100, 1.0)
    assert settings.data == Path(".kassa")
    assert settings.service_urls == {}


def test_empty_is_unset() -> None:
    assert read_settings({setting.name: "" for setting in SETTINGS}) == read_settings({})


def test_settings_are_read() -> None:
    settings = read_settings(
        {
            "STRIPE_SECRET_KEY": "sk_test_1",
            "STRIPE_WEBHOOK_SECRET": "whsec_1, whsec_2",
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
    assert settings.stripe_webhook_secrets == ("whsec_1", "whsec_2")
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
        ("CURRENCY", "xyz"),
        ("PAYMENT_DECLINE_POLICY", "maybe"),
        ("ORDER_TTL_MINUTES", "x"),
        ("ORDER_TTL_MINUTES", "0"),
        ("ORDER_TTL_MINUTES", "1431"),
        ("ORDER_TTL_MINUTES", "1.5"),
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
    with pytest.raises(SettingError, match="ORDER_TTL_MINUTES must be a whole number from 1 to 1430, not 'x'"):
        read_settings({"ORDER_TTL_MINUTES": "x"})


def test_a_key_without_a_webhook_secret_is_refused() -> None:
    with pytest.raises(SettingError, match="STRIPE_WEBHOOK_SECRET"):
        read_settings({"STRIPE_SECRET_KEY": "sk_test_1"})


def test_an_address_for_stripe_without_a_key_is_refused() -> None:
    with pytest.raises(SettingError, match="STRIPE_SECRET_KEY"):
        read_settings({"STRIPE_API_BASE": "http://127.0.0.1:1"})


def test_services_form_needs_its_secrets_and_addresses() -> None:
    given = {"JWT_SECRET": LONG, "INTERNAL_SECRET": LONG, "AUTH_SERVICE_URL": "http://auth:4000"}
    read_settings(given).require_services_form("auth")
    for name in given:
        incomplete = {other: value for other, value in given.items() if other != name}
        with pytest.raises(SettingError, match=name):
            read_settings(incomplete).require_services_form("auth")


def test_secrets_are_shown_nowhere() -> None:
    secrets = {
        "STRIPE_SECRET_KEY": "sk_live_hidden",
        "STRIPE_WEBHOOK_SECRET": "whsec_hidden",
        "JWT_SECRET": "hidden" * 6,
        "INTERNAL_SECRET": "hidden" * 6,
        "MONGO_URI": "mongodb://shop:hidden@mongo",
        "REDIS_URL": "redis://:hidden@redis",
    }
    assert "hidden" not in repr(read_settings(secrets))


@pytest.mark.parametrize("name", ["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "MONGO_URI", "REDIS_URL"])
def test_a_wrong_secret_is_not_told(name: str) -> None:
    with pytest.raises(SettingError) as refused:
        read_settings({name: "pk_hidden"})
    assert "hidden" not in str(refused.value)


def test_the_environment_counts_more_than_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("CURRENCY=eur\nLOW_STOCK_THRESHOLD=3\n")
    for setting in SETTINGS:
        monkeypatch.delenv(setting.name, raising=False)
    monkeypatch.setenv("CURRENCY", "chf")
    settings = read_settings(dotenv=tmp_path / ".env")
    assert (settings.currency, settings.low_stock_threshold) == ("chf", 3)


def test_there_are_at_most_thirty_settings_each_with_words_to_it() -> None:
    assert len(SETTINGS) <= 30
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)
    assert all(setting.help and setting.default for setting in SETTINGS)
