"""One request and its answer: bytes out, a decoded body or one of our errors in.

The body of an answer holds people's data and may echo our credential, so a
message gives its size and a hash, by which two reports can be compared.
"""

from __future__ import annotations

import hashlib
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from b24_pipeline.bitrix.http.refusals import refusal
from b24_pipeline.errors import (
    CertificateRefused,
    PortalError,
    PortalMoved,
    PortalTimeout,
    PortalUnreachable,
    ServerFault,
    UnreadableAnswer,
)

MAX_ANSWER_BYTES = 64 * 1024 * 1024
LARGE_ANSWER_BYTES = 256 * 1024


def _user_agent() -> str:
    try:
        return f"b24-pipeline/{version('b24-pipeline')}"
    except PackageNotFoundError:
        return "b24-pipeline"


HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "User-Agent": _user_agent(),
}


@dataclass(slots=True)
class Received:
    """An answer as it came; a large one takes three times its size once it is decoded."""

    method: str
    status: int
    kind: str
    location: str
    content: bytearray
    body: Mapping[str, Any] | None = None

    @property
    def looks_whole(self) -> bool:
        """Whether it is surely no error, and large enough to be worth leaving as it is for a while."""
        return (
            self.status == 200
            and len(self.content) > LARGE_ANSWER_BYTES
            and "html" not in self.kind
            and self.content.startswith(b'{"result":')
            and self.content.rstrip().endswith(b"}")
        )

    def open(self, portal: str) -> Mapping[str, Any]:
        """The body, handed over once: whoever holds on to the answer does not hold on to it.

        Raises PortalMoved, UnreadableAnswer, and an ApiError for an error code.
        """
        body = self.body if self.body is not None else self.decoded(portal)
        self.body, self.content = None, bytearray()
        return body

    def decoded(self, portal: str) -> Mapping[str, Any]:
        """The body. Raises as `open` does."""
        if 300 <= self.status < 400:
            raise PortalMoved(portal, _host_of(self.location), _origin_of(self.location))
        body = self.json()
        if isinstance(body, dict) and "error" in body:
            raise refusal(portal, self.method, body, self.status)
        if self.status < 500 and isinstance(body, dict) and "result" in body:
            return body
        if self.status >= 500:
            raise ServerFault(portal, self.method, "", self.described, self.status)
        raise UnreadableAnswer(
            portal, f"{self.method}: expected a JSON answer, got {self.described} (HTTP {self.status})"
        )

    def json(self) -> Any:
        """The content read as JSON; None where it is none."""
        return _json(self.content) if "html" not in self.kind else None

    @property
    def described(self) -> str:
        """The content for a message: its size, its type, and a hash by which two reports can be compared."""
        if not self.content:
            return "an empty body"
        digest = hashlib.sha256(self.content).hexdigest()[:12]
        return f"{len(self.content)} bytes of {self.kind or 'no stated type'} with hash {digest}"


def exchange(http: httpx.Client, portal: str, method: str, url: str, body: Mapping[str, Any]) -> Received:
    """POSTs a body and returns the answer.

    Raises PortalUnreachable, PortalTimeout, CertificateRefused, and
    UnreadableAnswer for one without end.
    """
    request = http.build_request("POST", url, content=orjson.dumps(body), headers=HEADERS)
    return _sent(http, portal, method, request, MAX_ANSWER_BYTES)


def ask(
    http: httpx.Client, server: str, method: str, url: str, query: Mapping[str, str], most: int
) -> Received:
    """GETs with a query, which may hold secrets; the answer has at most `most` bytes. Raises as `exchange` does."""
    request = http.build_request("GET", url, params=dict(query), headers=HEADERS)
    return _sent(http, server, method, request, most)


def _sent(http: httpx.Client, portal: str, method: str, request: httpx.Request, most: int) -> Received:
    try:
        response = http.send(request, stream=True, follow_redirects=False)
        try:
            content = _read(response, portal, method, most)
        finally:
            response.close()
    except httpx.HTTPError as error:
        # `from None`: the cause names the URL.
        raise _connection_failure(portal, method, request.url, error) from None
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return Received(method, response.status_code, kind, response.headers.get("Location", ""), content)


def _read(response: httpx.Response, portal: str, method: str, most: int) -> bytearray:
    content = bytearray()
    for part in response.iter_bytes():
        content += part
        if len(content) > most:
            raise UnreadableAnswer(
                portal, f"{method}: the answer is larger than {_size(most)}; read fewer fields"
            )
    return content


def _size(most: int) -> str:
    return f"{most >> 20} MiB" if most >= 1 << 20 else f"{most >> 10} KiB"


def _connection_failure(portal: str, method: str, url: httpx.URL, error: httpx.HTTPError) -> PortalError:
    if isinstance(error, httpx.ConnectTimeout):
        return PortalUnreachable(portal, "no connection in time: check the address and the network")
    if isinstance(error, httpx.TimeoutException):
        return PortalTimeout(portal, f"{method}: no complete answer in time")
    causes = list(_causes(error))
    tls = next((cause for cause in causes if isinstance(cause, ssl.SSLCertVerificationError)), None)
    if tls is not None:
        return CertificateRefused(
            portal, f"its TLS certificate cannot be trusted ({tls.verify_message}); nothing was sent"
        )
    return PortalUnreachable(portal, f"{method}: {_what_broke(url, error, causes)}")


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    cause = error.__cause__ or error.__context__
    while cause is not None and cause not in found:
        found.append(cause)
        cause = cause.__cause__ or cause.__context__
    return found


def _what_broke(url: httpx.URL, error: httpx.HTTPError, causes: list[BaseException]) -> str:
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return "no TLS connection could be made; is this an https address?"
    if isinstance(error, httpx.ConnectError):
        if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
            return f"the connection to {_place(url)} was refused: nothing answers there; {_what_to_do(url)}"
        if any("resolved" in str(cause) or type(cause).__name__ == "gaierror" for cause in causes):
            return "the host name is unknown: check its spelling and the DNS"
        return "no connection could be made: check the address and the network"
    return f"the connection broke before the answer was complete ({type(error).__name__})"


def _place(url: httpx.URL) -> str:
    """Host and port; all else of an address may be secret."""
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{host}:{url.port or (443 if url.scheme == 'https' else 80)}"


def _what_to_do(url: httpx.URL) -> str:
    if url.host in ("127.0.0.1", "::1", "localhost"):
        return "a portal on this machine runs only while its `b24 sandbox` or `b24 demo` does"
    return "check the address, or try again later"


def _json(content: bytearray) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return _lenient_json(content)


def _lenient_json(content: bytearray) -> Any:
    """What PHP writes and strict readers refuse: half characters, numbers beyond all bounds."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _origin_of(location: str) -> str:
    """The origin as it was given, with whatever stands there instead of a host: for `parse_address`."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _host_of(location: str) -> str:
    try:
        return (urlsplit(location).hostname or "")[:253]
    except ValueError:
        return ""
