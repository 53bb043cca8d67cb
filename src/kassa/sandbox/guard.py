"""Who may call the sandbox, and where it may send: it has no passwords, and anybody's page can call this machine.

A browser is the way in: a page elsewhere posts to an address here, or has its own name point here (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from kassa.sandbox.config import SandboxConfig
from kassa.sandbox.errors import ApiError
from kassa.sandbox.http import Request

ANYWHERE = "*"
_READS = ("GET", "HEAD", "OPTIONS")


def check_caller(request: Request, hosts: Collection[str]) -> None:
    """`ApiError` 403 if the request came by a name that is not the sandbox's, or changes something for a page that is
    not. Its names are those that nobody can register and point here, and `hosts`."""
    host = request.headers.get("host", "")
    name = _host_of(f"//{host}")
    if host and not _is_ours(name, hosts):
        text = f"This sandbox is not called {name}: call it by its address, or by the name in FRONTEND_URL."
        raise ApiError(text, status=403)
    if request.method in _READS:
        return
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site", "")
    # Fetch Metadata says it for sure, where browsers send it (W3C Fetch Metadata, 2.4); else the two are compared.
    is_from_elsewhere = site not in ("same-origin", "none") if site else origin is not None and not _is_at(origin, host)
    if is_from_elsewhere:
        raise ApiError("A page of another address may not change anything here.", status=403)


def check_receiver(url: str, config: SandboxConfig) -> None:
    """`ApiError` if webhooks may not go to this address: to this machine, to where the configuration sends them, and
    to those that it names besides."""
    name = _host_of(url)
    known = {_host_of(target.url) for target in config.webhooks} | set(config.webhook_hosts)
    if name not in known and ANYWHERE not in known and not _is_loopback(name):
        text = f"Webhooks of this sandbox go to its own machine and shop, not to {name}; --webhook-host lets them."
        raise ApiError(text, code="url_invalid", param="url")


def _host_of(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_ours(name: str, hosts: Collection[str]) -> bool:
    # No name without a dot can be bought; addresses are what was dialled, and cannot be made to point elsewhere.
    is_local = name != "" and "." not in name
    return is_local or name.endswith(".localhost") or name in hosts or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(name: str) -> bool:
    return name == "localhost" or name.endswith(".localhost") or (_is_address(name) and _loops(name))


def _loops(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback


def _is_at(origin: str, host: str) -> bool:
    return origin.partition("://")[2] == host
