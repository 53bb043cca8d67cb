"""Origins: the scheme, host and port of an address, spelled as browsers spell them, so that they can be compared."""

from urllib.parse import urlsplit

_OWN_PORTS = {"http": 80, "https": 443}


def origin_of(address: str) -> str:
    """The origin of an address: `https://xn--mnchen-3ya.example` of `HTTPS://München.example:443/x`. Lower-case,
    without the scheme's own port (RFC 6454, 6.2), international names in ASCII (UTS 46). ValueError if it has none."""
    parts = urlsplit(address)
    if parts.scheme not in _OWN_PORTS or not parts.hostname:
        raise ValueError("not an address with http:// or https:// and a host")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else _ascii(parts.hostname)
    port = "" if parts.port in (None, _OWN_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def _ascii(host: str) -> str:
    if host.isascii():
        return host
    import idna  # Only for those who need it: its tables are large.

    return idna.encode(host, uts46=True).decode()
