"""The address that a request came from, also behind a proxy: what is limited per sender is limited by it.

A proxy adds the address that it saw to `X-Forwarded-For`. Anybody can send such a header, so only what a proxy of
ours has added counts (B24_TRUSTED_PROXIES).
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.types import Scope

IPV6_PREFIX = 64
"""So much of an IPv6 address names a customer's network; the rest can be changed at will."""


class ClientAddresses:
    """Tells who sent a request. `trusted`: addresses and networks of our own proxies."""

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        self._trusted = [ip_network(network, strict=False) for network in trusted]

    def of(self, scope: Scope) -> str:
        """The nearest address that is not one of our proxies, of IPv6 its network; "" where there is none."""
        client = scope.get("client")
        nearest = _read(client[0]) if client else None
        for hop in reversed(_forwarded(scope)):
            if nearest is None or not self._is_ours(nearest):
                break
            before = _read(hop)
            if before is None:
                break
            nearest = before
        return _network(nearest) if nearest else ""

    def of_client(self, client: tuple[str, int] | None) -> str:
        """A connection's other end, of IPv6 its network; "" for a proxy of ours, or where none is known."""
        address = _read(client[0]) if client else None
        return "" if address is None or self._is_ours(address) else _network(address)

    def _is_ours(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._trusted)


def _forwarded(scope: Scope) -> list[str]:
    lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return ",".join(lines).split(",") if lines else []


def _read(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _network(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((address, IPV6_PREFIX), strict=False).network_address)
