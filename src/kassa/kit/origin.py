"""Origins: the scheme, host and port of an address, spelled as browsers spell them, so that they can be compared."""

from urllib.parse import urlsplit

from kassa.kit.text import domain_in_ascii

_OWN_PORTS = {"http": 80, "https": 443}


def origin_of(address: str) -> str:
    """The origin of an address: `https://xn--mnchen-3ya.example` of `HTTPS://München.example:443/x`. Lower-case,
    without the scheme's own port (RFC 6454, 6.2), international names in ASCII (UTS 46). ValueError if it has none."""
    parts = urlsplit(address)
    if parts.scheme not in _OWN_PORTS or not parts.hostname:
        raise ValueError("not an address with http:// or https:// and a host")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else domain_in_ascii(parts.hostname)
    port = "" if parts.port in (None, _OWN_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
