"""Error codes of the portal -> our exceptions (docs/bitrix24-rest.md, section 8)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from b24_pipeline import errors as e

_BY_CODE: dict[str, type[e.ApiError]] = {
    "QUERY_LIMIT_EXCEEDED": e.RequestLimit,
    "OPERATION_TIME_LIMIT": e.OperatingLimit,
    "OVERLOAD_LIMIT": e.Overloaded,
    "INTERNAL_SERVER_ERROR": e.ServerFault,
    "ERROR_UNEXPECTED_ANSWER": e.ServerFault,
    "CONNECTION_ERROR": e.ServerFault,
    "EXPIRED_TOKEN": e.TokenExpired,
    "INVALID_TOKEN": e.TokenExpired,
    "NO_AUTH_FOUND": e.CredentialRefused,
    "INVALID_CREDENTIALS": e.CredentialRefused,
    "AUTHORIZATION_ERROR": e.CredentialRefused,
    "WRONG_AUTH_TYPE": e.CredentialRefused,
    "INSUFFICIENT_SCOPE": e.ScopeMissing,
    "USER_ACCESS_ERROR": e.AccessDenied,
    "ACCESS_DENIED": e.AccessDenied,
    "ALLOWED_ONLY_INTRANET_USER": e.AccessDenied,
    "METHOD_CONFIRM_DENIED": e.AccessDenied,
    "METHOD_CONFIRM_WAITING": e.ConfirmationPending,
    "APPLICATION_NOT_FOUND": e.AppRemoved,
    "ERROR_OAUTH": e.AppRemoved,
    "NOT_INSTALLED": e.AppRemoved,
    "PAYMENT_REQUIRED": e.PaymentRequired,
    "PORTAL_DELETED": e.PortalDeleted,
    "ERROR_METHOD_NOT_FOUND": e.MethodNotFound,
    "ERROR_BATCH_LENGTH_EXCEEDED": e.InvalidArgument,
    "ERROR_BATCH_METHOD_NOT_ALLOWED": e.InvalidArgument,
    "NOT_FOUND": e.ObjectNotFound,
    "INVALID_REQUEST": e.InvalidArgument,
    "INVALID_ARG_VALUE": e.InvalidArgument,
    "ENTITY_TYPE_NOT_SUPPORTED": e.InvalidArgument,
}

# A code that is not in the table still has a status, and codes grow faster than documentation.
_BY_STATUS: dict[int, type[e.ApiError]] = {
    401: e.CredentialRefused,
    403: e.AccessDenied,
    404: e.MethodNotFound,
    429: e.OperatingLimit,
}


def refusal(portal: str, method: str, error: Any, status: int) -> e.ApiError:
    """The exception for an error block; `error` is the body or one entry of a batch's `result_error`.

    The code may be "", "0", 0 or a number; then the description decides.
    """
    code, description = parts_of(error)
    kind = _BY_CODE.get(code) or _by_description(description) or _by_status(status)
    return kind(portal, method, "" if code.isdigit() else code, description, status)


def parts_of(error: Any) -> tuple[str, str]:
    """Code in upper case and description of an error block, each one line without secrets."""
    if not isinstance(error, Mapping):
        return "", _one_line(error)
    code = error.get("error")
    if isinstance(code, Mapping):
        # REST 3.0 nests them (section 1).
        return _one_line(code.get("code")).upper(), _one_line(code.get("message"))
    return _one_line(code).upper(), _one_line(error.get("error_description"))


def _one_line(value: Any) -> str:
    return masked(" ".join(str(value).split()))[:300] if value not in (None, False) else ""


_SECRETS = re.compile(
    r"(?P<path>/rest/(?:api/)?\d+/)[^/\s\"'?]+|(?P<name>\b(?:auth|code|client_secret|\w*token)[\"']?\s*[=:]\s*[\"']?)[^\s&\"',}]+",
    re.IGNORECASE,
)


def masked(text: str) -> str:
    """A text of the portal without what may be a credential: it could echo our own request."""
    return _SECRETS.sub(lambda found: f"{found['path'] or found['name']}***", text)


def _by_description(description: str) -> type[e.ApiError] | None:
    said = description.lower().rstrip(".! ")
    if said in ("not found", "element not found"):
        return e.ObjectNotFound
    return e.AccessDenied if said.startswith("access denied") else None


def _by_status(status: int) -> type[e.ApiError]:
    return _BY_STATUS.get(status) or (e.ServerFault if status >= 500 else e.InvalidArgument)
