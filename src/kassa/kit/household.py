"""Households: who is behind an address, as far as an address tells."""

import ipaddress
from functools import lru_cache

_PRIVATE = [ipaddress.ip_network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")]


def household(address: str) -> str:
    """What is limited as one: an IPv4 address, or the /64 network that one IPv6 subscriber has."""
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))


@lru_cache(maxsize=1024)
def is_of_the_internet(address: str) -> bool:
    """Whether the address can be one subscriber's: not this machine's own, nor one of a private network (RFC 1918, RFC
    4193), where a proxy that nobody has named speaks for all."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    is_private = any(parsed in each for each in _PRIVATE if each.version == parsed.version)
    return not (parsed.is_loopback or parsed.is_link_local or is_private)


def neighbourhood(address: str) -> str:
    """The address, shortened so that it tells a place but no person: the /24 network of IPv4, the /48 of IPv6; empty
    if it is no address."""
    try:
        parsed = ipaddress.ip_address(household(address).partition("/")[0])
    except ValueError:
        return ""
    return str(ipaddress.ip_network((str(parsed), 24 if parsed.version == 4 else 48), strict=False))
