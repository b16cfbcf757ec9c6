"""Connections to a portal: only to vetted addresses, and never longer than the deadline.

httpx knows a timeout for each read, so that one byte a second would hold a
worker for ever, and it resolves names itself, so that a name could lead into
our own network. Both are settled where bytes are read: in the network backend.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import certifi
import httpcore
import httpx

from b24_pipeline.bitrix.http.address import PortalAddress, is_public
from b24_pipeline.errors import AddressRefused

SocketOptions = Iterable[Any]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. The portal cuts its own requests at 60 (section 1), so `read` is a little longer.

    `total` bounds one request from its first byte sent to its last byte read.
    """

    connect: float = 10.0
    read: float = 65.0
    write: float = 30.0
    pool: float = 65.0
    total: float = 90.0

    def httpx(self) -> httpx.Timeout:
        return httpx.Timeout(connect=self.connect, read=self.read, write=self.write, pool=self.pool)


def open_http(address: PortalAddress, timeouts: Timeouts, connections: int = 16) -> httpx.Client:
    """A client for one portal: own pool, no redirects, no proxy or password from the environment."""
    transport = _GuardedTransport(address, timeouts, connections)
    return httpx.Client(
        transport=transport, timeout=timeouts.httpx(), follow_redirects=False, trust_env=False
    )


@functools.cache
def _tls() -> ssl.SSLContext:
    """Public certificate authorities and those of this machine (a company's own portal)."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    return context


class _GuardedTransport(httpx.HTTPTransport):
    def __init__(self, address: PortalAddress, timeouts: Timeouts, connections: int) -> None:
        super().__init__(verify=_tls(), trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=_tls(),
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=20.0,
            network_backend=_GuardedBackend(address, timeouts.total),
        )


class _GuardedBackend(httpcore.NetworkBackend):
    """Resolves the name itself and connects to what it has judged."""

    def __init__(self, address: PortalAddress, total: float) -> None:
        self._address = address
        self._total = total
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError("the name has no address")
        for ip in self._vetted(host, port):
            try:
                stream = self._inner.connect_tcp(ip, port, timeout, local_address, socket_options)
                return _DeadlineStream(stream, self._total)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def _vetted(self, host: str, port: int) -> list[str]:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError("the name cannot be resolved") from error
        ips = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not self._address.allowed and not all(map(is_public, ips)):
            raise AddressRefused(
                host,
                "leads to a private network address; a portal of your own: add it to B24_ALLOWED_PORTALS",
            )
        return ips


class _DeadlineStream(httpcore.NetworkStream):
    """A connection on which a request, from its first byte to the last of its answer, has one deadline."""

    def __init__(self, inner: httpcore.NetworkStream, total: float) -> None:
        self._inner = inner
        self._total = total
        self._deadline = time.monotonic() + total
        self._answering = True

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._answering = True
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the answer took longer than its deadline")
        return self._inner.read(max_bytes, left if timeout is None else min(timeout, left))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # A write after a read is the next request on this connection.
        if self._answering:
            self._deadline, self._answering = time.monotonic() + self._total, False
        self._inner.write(buffer, timeout)

    def close(self) -> None:
        """Also wakes a thread that still waits for an answer here: closing alone would not."""
        raw = self._inner.get_extra_info("socket")
        if isinstance(raw, socket.socket):
            with contextlib.suppress(OSError):
                raw.shutdown(socket.SHUT_RDWR)
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._inner.start_tls(ssl_context, server_hostname, timeout)
        return _DeadlineStream(inner, self._total)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
