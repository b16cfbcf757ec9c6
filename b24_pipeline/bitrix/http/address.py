"""A portal's address, parsed or refused.

Whoever names a portal makes our server connect somewhere, so the address is a
host of a Bitrix24 cloud over https, or a host that the operator has allowed
(`B24_ALLOWED_PORTALS`). What the name resolves to is judged again when
connecting, by `transport.py`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from b24_pipeline.errors import AddressRefused

# The zones in which Bitrix24 hands out cloud portals (its own zone table in the server source).
CLOUD_ZONES = frozenset(
    (
        *("ru", "com", "de", "eu", "fr", "it", "es", "pl", "in", "kz", "by", "ua"),
        *("cn", "jp", "vn", "id", "com.br", "com.tr"),
    )
)

_ADDRESS = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://)?"
    r"(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?/?",
    re.IGNORECASE | re.ASCII,
)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class PortalAddress:
    """Where a portal answers; `allowed` ones may be private, on any port and without TLS."""

    scheme: str
    host: str
    port: int
    allowed: bool = False

    @property
    def origin(self) -> str:
        """`https://acme.bitrix24.com`, with the port where it is not the usual one."""
        usual = _PORTS[self.scheme] == self.port
        return f"{self.scheme}://{self.host}" + ("" if usual else f":{self.port}")

    @property
    def domain(self) -> str:
        """`acme.bitrix24.com`, with the port where it is not the usual one."""
        return self.origin.partition("://")[2]

    @property
    def named(self) -> str:
        """What an error calls it: the domain as in a browser, with `http://` where it has no TLS."""
        return self.domain if self.scheme == "https" else self.origin

    @property
    def is_loopback(self) -> bool:
        """Whether it is on this machine, as the sandbox is."""
        return self.host in ("localhost", "[::1]") or self.host.startswith("127.")

    @property
    def written(self) -> str:
        """What `read_address` reads back: the domain, and how it is reached where that is not clear."""
        return self.domain if (self.scheme == "https") != self.is_loopback else self.origin


def parse_address(text: str, allowed: Iterable[str] = ()) -> PortalAddress:
    """Read `acme.bitrix24.com` or `https://acme.bitrix24.com/`; a path does not belong to it.

    `allowed` holds host patterns such as `crm.example.com`, `*.corp.example`,
    `127.0.0.1:*` or `localhost:8077`; one without a port means any port.
    Raises AddressRefused.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise AddressRefused(_shown(text), "is no address of a portal; expected one like acme.bitrix24.com")
    scheme, host = (match["scheme"] or "https").lower(), match["host"].lower()
    if scheme not in _PORTS:
        raise AddressRefused(host, f"cannot be reached by {scheme}; expected https")
    port = int(match["port"]) if match["port"] else _PORTS[scheme]
    if _is_allowed(host, port, allowed):
        return PortalAddress(scheme, host, port, allowed=True)
    _require_cloud(scheme, host, port)
    return PortalAddress(scheme, host, port)


def read_address(text: str, allowed: Iterable[str] = ()) -> PortalAddress:
    """An address as a person or a table has it; a loopback one is reached by http where nothing else is said.

    Raises AddressRefused.
    """
    patterns = tuple(allowed)
    address = parse_address(text, patterns)
    if address.allowed and address.is_loopback and "://" not in text:
        return parse_address(f"http://{text}", patterns)
    return address


def origin_of(written: str) -> str:
    """The origin of an address that was judged before and stored."""
    return read_address(written, (written.rpartition("://")[2],)).origin


def parse_server(text: str, allowed: Iterable[str] = ()) -> PortalAddress:
    """The authorization server that the operator names: any public host over https, or an allowed one.

    Raises AddressRefused.
    """
    match = _ADDRESS.fullmatch(text.strip())
    if match is None:
        raise AddressRefused(_shown(text), "is no address of an authorization server")
    scheme, host = (match["scheme"] or "https").lower(), match["host"].lower()
    port = int(match["port"]) if match["port"] else _PORTS.get(scheme, 0)
    if scheme in _PORTS and _is_allowed(host, port, allowed):
        return PortalAddress(scheme, host, port, allowed=True)
    if (scheme, port) != ("https", 443) or _is_ip(host) or not _labels_fit(host):
        raise AddressRefused(
            host,
            "an authorization server is reached by its name over https on port 443; "
            "another one: add it to B24_ALLOWED_PORTALS",
        )
    return PortalAddress(scheme, host, port)


def _shown(text: str) -> str:
    """What is safe to repeat of a text that may hold a secret: its host, if it has one."""
    match = re.match(r"(?:https?://)?([a-z0-9][a-z0-9.-]*)", text, re.IGNORECASE | re.ASCII)
    return match[1] if match and "@" not in text else "this text"


def _is_allowed(host: str, port: int, allowed: Iterable[str]) -> bool:
    return 0 < port < 65536 and any(_matches(pattern.strip().lower(), host, port) for pattern in allowed)


def _matches(pattern: str, host: str, port: int) -> bool:
    name, _, wanted = pattern.rpartition(":") if re.search(r":(\d+|\*)$", pattern) else (pattern, "", "*")
    if wanted not in ("*", str(port)):
        return False
    if name.startswith("*."):
        # Only whole labels count, and an IP address has no labels.
        return host.endswith(name[1:]) and _labels_fit(host) and not _is_ip(host)
    return bool(name) and host == name


def _require_cloud(scheme: str, host: str, port: int) -> None:
    refusal = _why_not_cloud(scheme, host, port)
    if refusal:
        raise AddressRefused(host, f"{refusal}; a portal of your own: add it to B24_ALLOWED_PORTALS")


def _why_not_cloud(scheme: str, host: str, port: int) -> str:
    if _is_ip(host):
        return "an IP address is not accepted as a portal"
    name, _, zone = host.partition(".bitrix24.")
    if zone not in CLOUD_ZONES or not _LABEL.fullmatch(name):
        return "is not in a Bitrix24 cloud"
    if "xn--" in name:
        return "a name in punycode is not accepted"
    if scheme != "https":
        return "a cloud portal is reached by https only"
    return "" if port == 443 else f"port {port} is not accepted, only 443"


def _is_ip(host: str) -> bool:
    # Resolvers read `127.1` and `0x7f000001` as addresses too: no name of a portal ends in a number.
    last = host.rstrip(".").rpartition(".")[2]
    return host.startswith("[") or last.isdigit() or last.startswith("0x")


def _labels_fit(host: str) -> bool:
    return len(host) <= 253 and all(_LABEL.fullmatch(label) for label in host.split("."))


def is_public(ip: str) -> bool:
    """Whether an IP address is one of the public internet, also where it is wrapped in another."""
    address = ipaddress.ip_address(ip.partition("%")[0])
    return all(
        inner.is_global and not inner.is_multicast and not inner.is_reserved for inner in _unwrapped(address)
    )


_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def _unwrapped(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """The address itself, or the IPv4 addresses that an IPv6 one leads to."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address in _NAT64:
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    if address.teredo:
        return [address, *address.teredo]
    return [address.sixtofour] if address.sixtofour else [address]
