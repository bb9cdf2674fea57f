"""Which address a request comes from, behind proxies that are trusted and no others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from batua.errors import ConfigurationError

__all__ = ["ClientAddresses"]

NOBODY = "nobody"
"""Who comes through a socket without an address."""
IPV6_NETWORK_BITS = 64
"""What one customer of an internet provider is given: 2^64 addresses, which count as one."""

FORWARDED_FOR = re.compile(r'(?:^|;)\s*for=("(?:[^"\\]|\\.)*"|[^;\s]*)', re.IGNORECASE)
WITH_PORT = re.compile(r"^\[([^\]]*)\](?::\d+)?$|^([\d.]+):\d+$")

Address = IPv4Address | IPv6Address


class ClientAddresses:
    """Finds clients. ``trusted`` are the proxies' networks, ``header`` the one that they write.

    Only one header is read: a proxy that writes one of them hands on what a client wrote into the
    other. Raises ``ConfigurationError`` for a network that is none.
    """

    def __init__(self, trusted: str = "", header: str = "x-forwarded-for") -> None:
        self._trusted = tuple(_networks(trusted))
        self._header = header.encode()
        self._hops = _forwarded if header == "forwarded" else _x_forwarded_for

    def find(self, peer: str | None, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """The client's address as it is counted, of a connection from ``peer``.

        Each hop vouches for the one that it names, from our own peer on, while it is trusted: so
        the client is the right-most hop that is not. What is no address ends the search too.
        """
        if peer is None:
            return NOBODY
        if not self._trusted:
            return _counted(peer)
        client = _address(peer)
        if client is None or not self._trusts(client):
            return _counted(peer)
        sent = b",".join(value for name, value in headers if name == self._header)
        for hop in self._hops(sent.decode("latin-1")):
            named = _address(hop)
            if named is None:
                break
            client = named
            if not self._trusts(client):
                break
        return _counted(str(client))

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def _networks(trusted: str) -> Iterator[IPv4Network | IPv6Network]:
    for text in filter(None, (part.strip() for part in trusted.split(","))):
        try:
            yield ip_network(text)
        except ValueError as error:
            raise ConfigurationError(
                f"BATUA_TRUSTED_PROXIES: {text!r} is no address or network: {error}"
            ) from None


def _x_forwarded_for(sent: str) -> Iterator[str]:
    """The hops, nearest first."""
    yield from (hop.strip() for hop in reversed(sent.split(",")))


def _forwarded(sent: str) -> Iterator[str]:
    """The same in RFC 7239's words: ``for="[2001:db8::1]:4711";proto=https``."""
    for hop in _x_forwarded_for(sent):
        found = FORWARDED_FOR.search(hop)
        yield found.group(1).strip('"') if found else ""


def _address(text: str) -> Address | None:
    with_port = WITH_PORT.match(text)
    try:
        address = ip_address((with_port.group(1) or with_port.group(2)) if with_port else text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


@lru_cache(maxsize=10_000)
def _counted(text: str) -> str:
    address = _address(text)
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address) >> IPV6_NETWORK_BITS << IPV6_NETWORK_BITS, 64)))
    return text if address is None else str(address)
