"""Households: who is behind an address, as far as an address tells."""

import ipaddress


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


def neighbourhood(address: str) -> str:
    """The address, shortened so that it tells a place but no person: the /24 network of IPv4, the /48 of IPv6; empty
    if it is no address."""
    try:
        parsed = ipaddress.ip_address(household(address).partition("/")[0])
    except ValueError:
        return ""
    return str(ipaddress.ip_network((str(parsed), 24 if parsed.version == 4 else 48), strict=False))
