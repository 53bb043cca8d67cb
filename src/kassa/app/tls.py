"""TLS between the parts of a shop: what a service answers with, and whom it trusts."""

import ssl
from pathlib import Path

from kassa.app.settings import SettingError, Settings


def answering_with(settings: Settings) -> ssl.SSLContext | None:
    """With which certificate a process answers; None if it answers plain HTTP. SettingError."""
    if settings.tls.certificate is None or settings.tls.key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    _check_readable("TLS_CERTIFICATE", settings.tls.certificate)
    _check_readable("TLS_KEY", settings.tls.key)
    try:
        context.load_cert_chain(settings.tls.certificate, settings.tls.key, password="")
    except (ssl.SSLError, ValueError):
        text = "must be the unencrypted private key of the certificate that TLS_CERTIFICATE names, both in PEM"
        raise SettingError("TLS_KEY", text) from None
    return context


def trusting(settings: Settings) -> ssl.SSLContext | bool:
    """Whose certificates a process believes when it calls another service: those of TLS_CA, and of nobody else
    (ASVS 5.0, 12.3.4); without it those that the system's authorities have signed, which True stands for.
    SettingError."""
    if settings.tls.ca is None:
        return True
    _check_readable("TLS_CA", settings.tls.ca)
    try:
        return ssl.create_default_context(cafile=settings.tls.ca)
    except ssl.SSLError:
        raise SettingError("TLS_CA", "must name a file with certificates in PEM") from None


def _check_readable(name: str, path: Path) -> None:
    try:
        path.open().close()
    except OSError as error:
        raise SettingError(name, f"names a file that cannot be read: {error.strerror}") from None
