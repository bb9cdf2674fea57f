"""Which addresses a webhook may go to, so that nobody reaches our inside through us.

A name is looked up by us, every address of it is looked at, and the connection goes to what was
looked at: a name that means something else a moment later gains nothing by it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import SplitResult, urlsplit

import httpcore

from batua.errors import ConfigurationError, InvalidRequest

__all__ = [
    "AddressRefused",
    "Addresses",
    "GuardedBackend",
    "Resolve",
    "new_resolver",
    "read_networks",
]

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a name, as text."""

URL_LENGTH_MAX = 2_000
LOOKUPS_MAX = 64
TRIED_MAX = 3
"""How many addresses of a name are tried."""

# https://www.iana.org/assignments/ipv6-address-space: all of IPv6 that is routed anywhere.
UNICAST = ip_network("2000::/3")
REFUSED = (
    # Each carries an IPv4 address inside, which may be anybody's.
    ip_network("2001::/32"),
    ip_network("2002::/16"),
    # The anycast relay of 6to4, which is no more.
    ip_network("192.88.99.0/24"),
)


class AddressRefused(Exception):
    """A name leads where no webhook may go. Nothing was sent."""


def read_networks(text: str) -> tuple[Network, ...]:
    """Networks such as ``10.1.0.0/16,fd00:1::/32``. Raises ``ConfigurationError``."""
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise ConfigurationError(f"BATUA_WEBHOOK_ALLOW_PRIVATE: {error}") from None


@dataclass(frozen=True, slots=True)
class Addresses:
    """Judges. ``allowed`` are networks of our own that may be reached all the same.

    With ``loopback_http`` plain http may go to this machine, and this machine may be reached: for
    development.
    """

    allowed: tuple[Network, ...] = ()
    loopback_http: bool = False

    def require_url(self, url: str) -> SplitResult:
        """Raises ``InvalidRequest`` (``webhook_url_refused``) for a URL that can't be meant."""
        why = self._wrong_with(url)
        if why:
            raise InvalidRequest(f"{url!r}: {why}", pointer="/url", code="webhook_url_refused")
        return urlsplit(url)

    def _wrong_with(self, url: str) -> str:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            return str(error)
        schemes = {"https", "http"} if self.loopback_http else {"https"}
        if parts.scheme not in schemes:
            return (
                "a webhook goes to an https:// URL; for development"
                " BATUA_WEBHOOK_LOOPBACK_HTTP=on lets http:// to this machine"
            )
        if not parts.hostname or port == 0:
            return "it names no host"
        if parts.username is not None or parts.fragment:
            return "it must have no user name, password or fragment in it"
        if len(url) > URL_LENGTH_MAX or not url.isascii() or not url.isprintable() or " " in url:
            return f"it must be ASCII without spaces, at most {URL_LENGTH_MAX} characters"
        return ""

    def require(self, found: Iterable[str], *, is_tls: bool) -> list[str]:
        """``found``, if a webhook may go to all of them. Raises ``AddressRefused``.

        One that may not spoils the others: nobody has both by honest means.
        """
        addresses = [_unmapped(ip_address(text)) for text in found]
        if not addresses:
            raise AddressRefused("the name has no address")
        for address in addresses:
            if not self._may_go_to(address, is_tls=is_tls):
                raise AddressRefused(f"{address} is not an address that a webhook may go to")
        return [str(address) for address in addresses]

    def _may_go_to(self, address: Address, *, is_tls: bool) -> bool:
        if self.loopback_http and address.is_loopback:
            return True
        if not is_tls:
            return False
        if any(address in network for network in self.allowed):
            return True
        is_routed = address.version == 4 or address in UNICAST
        is_public = address.is_global and not address.is_multicast and not address.is_reserved
        return is_routed and is_public and not any(address in network for network in REFUSED)


def _unmapped(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped


def new_resolver() -> Resolve:
    """Looks names up as this machine does. What it makes raises ``OSError``.

    In threads of its own: nobody can stop a lookup that hangs, and those of asyncio are few and
    everybody's. They end with the resolver.
    """
    threads = ThreadPoolExecutor(LOOKUPS_MAX, thread_name_prefix="batua-lookup")

    async def resolve(host: str, port: int) -> list[str]:
        look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(threads, look_up)
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    return resolve


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects to checked addresses alone, for TLS or, with ``is_tls`` False, in the clear.

    TLS goes on with the name: httpcore takes it from the URL, as it does for ``Host``.
    """

    def __init__(self, addresses: Addresses, resolve: Resolve, *, is_tls: bool) -> None:
        self._addresses = addresses
        self._resolve = resolve
        self._is_tls = is_tls
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - as httpcore asks for it
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                found = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:  # a TimeoutError is an OSError
            raise httpcore.ConnectError(f"{host} can't be looked up: {error}") from error
        checked = self._addresses.require(found, is_tls=self._is_tls)
        return await self._connect_first(checked, port, timeout, local_address, socket_options)

    async def _connect_first(
        self,
        addresses: Sequence[str],
        port: int,
        timeout: float | None,  # noqa: ASYNC109 - as httpcore asks for it
        local_address: str | None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None,
    ) -> httpcore.AsyncNetworkStream:
        """To the first that answers. All of them together get the time of one."""
        tried = addresses[:TRIED_MAX]
        share = None if timeout is None else timeout / len(tried)
        for address in tried[:-1]:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._network.connect_tcp(
                    address, port, share, local_address, socket_options
                )
        return await self._network.connect_tcp(
            tried[-1], port, share, local_address, socket_options
        )
