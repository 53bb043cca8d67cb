"""How strict the public door is, by the settings."""

from kassa.app.settings import Settings
from kassa.gateway.limits import NOTICES, REGISTRATIONS, STATEMENTS, Addresses, Limiter
from kassa.gateway.middleware import Rules


def door_rules(settings: Settings) -> Rules:
    """The rules of the gateway; without limits where RATE_LIMIT is off."""
    return Rules(
        limiter=Limiter(settings.rate_limit) if settings.rate_limit else None,
        registrations=Limiter(REGISTRATIONS) if settings.rate_limit else None,
        statements=Limiter(STATEMENTS) if settings.rate_limit else None,
        notices=Limiter(NOTICES) if settings.rate_limit else None,
        addresses=Addresses(settings.trusted_proxies),
        origins=frozenset(settings.cors_origins),
        is_https=(settings.frontend_url or "").startswith("https://"),
    )
