"""One request and its answer: bytes out, a decoded body or one of our errors in.

The body of an answer holds people's data and may echo our credential, so a
message gives its size and a hash, by which two reports can be compared.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from b24_pipeline.bitrix.refusals import refusal
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


def exchange(
    http: httpx.Client, portal: str, method: str, url: str, body: Mapping[str, Any]
) -> Mapping[str, Any]:
    """POST a body, return the decoded one.

    Raises PortalUnreachable, PortalTimeout, CertificateRefused, PortalMoved,
    UnreadableAnswer, and an ApiError for an error code.
    """
    request = http.build_request("POST", url, content=orjson.dumps(body), headers=HEADERS)
    try:
        response = http.send(request, stream=True, follow_redirects=False)
        try:
            content = _read(response, portal, method)
        finally:
            response.close()
    except httpx.HTTPError as error:
        # `from None`: the cause names the URL.
        raise _connection_failure(portal, method, error) from None
    return _decode(portal, method, response, content)


def _read(response: httpx.Response, portal: str, method: str) -> bytes:
    parts, size = [], 0
    for part in response.iter_bytes():
        parts.append(part)
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            raise UnreadableAnswer(
                portal, f"{method}: the answer is larger than {MAX_ANSWER_BYTES >> 20} MiB; read fewer fields"
            )
    return b"".join(parts)


def _connection_failure(portal: str, method: str, error: httpx.HTTPError) -> PortalError:
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
    return PortalUnreachable(portal, f"{method}: {_what_broke(error, causes)}")


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    cause = error.__cause__ or error.__context__
    while cause is not None and cause not in found:
        found.append(cause)
        cause = cause.__cause__ or cause.__context__
    return found


def _what_broke(error: httpx.HTTPError, causes: list[BaseException]) -> str:
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return "no TLS connection could be made; is this an https address?"
    if isinstance(error, httpx.ConnectError):
        if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
            return "the connection was refused: nothing answers at this address and port"
        if any("resolved" in str(cause) or type(cause).__name__ == "gaierror" for cause in causes):
            return "the host name is unknown: check its spelling and the DNS"
        return "no connection could be made: check the address and the network"
    return f"the connection broke before the answer was complete ({type(error).__name__})"


def _decode(portal: str, method: str, response: httpx.Response, content: bytes) -> Mapping[str, Any]:
    status = response.status_code
    if 300 <= status < 400:
        raise PortalMoved(portal, _host_of(response.headers.get("Location", "")))
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    body = _json(content) if "html" not in kind else None
    if isinstance(body, dict) and "error" in body:
        raise refusal(portal, method, body, status)
    if status >= 500:
        raise ServerFault(portal, method, "", _described(kind, content), status)
    if not isinstance(body, dict) or "result" not in body:
        raise UnreadableAnswer(
            portal, f"{method}: expected a JSON answer, got {_described(kind, content)} (HTTP {status})"
        )
    return body


def _json(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None


def _described(kind: str, content: bytes) -> str:
    if not content:
        return "an empty body"
    digest = hashlib.sha256(content).hexdigest()[:12]
    return f"{len(content)} bytes of {kind or 'no stated type'} with hash {digest}"


def _host_of(location: str) -> str:
    try:
        return (urlsplit(location).hostname or "")[:253]
    except ValueError:
        return ""
