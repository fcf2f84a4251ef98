"""Normalize host names as HTTP and the configuration write them, so that they can be compared."""

import ipaddress
import re

_BRACKETED = re.compile(r"\[(?P<address>[^\[\]]*)\](?::[0-9]{1,5})?")
_NAMED = re.compile(r"(?P<name>[^:/?#@\[\]\s*]+?)\.?(?::[0-9]{1,5})?")


def normal_host(text: str) -> str | None:
    """Return a host in the form of a Host header without its port: lower case, an IPv6 address in brackets.

    None where the text is no host.
    """
    text = text.strip()
    if (address := bare_address(text)) is not None:
        return f"[{address}]" if ":" in address else address
    bracketed, named = _BRACKETED.fullmatch(text), _NAMED.fullmatch(text)
    if bracketed:
        address = bare_address(bracketed["address"])
        return f"[{address}]" if address and ":" in address else None
    if not named:
        return None
    try:
        return named["name"].encode("idna").decode().lower()
    except UnicodeError:
        return None


def bare_address(text: str) -> str | None:
    """Return an IP address in its shortest form, without brackets; None where the text is none."""
    try:
        return str(ipaddress.ip_address(text.strip().removeprefix("[").removesuffix("]")))
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Return whether a server that listens on a host is reachable from this machine alone."""
    address = bare_address(host)
    if address is None:
        return host.lower() == "localhost"
    parsed = ipaddress.ip_address(address)
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback


def reachable_hosts(host: str) -> list[str]:
    """List the hosts by which this machine reaches a server that listens on a host, the likeliest first."""
    address = bare_address(host)
    if address is None or not ipaddress.ip_address(address).is_unspecified:
        return [address or host]
    return ["::1", "127.0.0.1"] if ":" in address else ["127.0.0.1"]
