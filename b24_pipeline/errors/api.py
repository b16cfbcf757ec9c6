"""Errors that a portal answers with: one class an error code."""

from __future__ import annotations

from b24_pipeline.errors.portal import PortalError

_SCOPES = ("department", "placement")
"""Scopes beside crm and user that a method of theirs begins with."""


class ApiError(PortalError):
    """The portal answered with an error code.

    `code` is the portal's code in upper case, `status` the HTTP status (200
    inside a batch), `method` the REST method.
    """

    advice = ""

    def __init__(self, portal: str, method: str, code: str, description: str, status: int) -> None:
        said = " ".join(part for part in (code, description) if part) or "an error without a code"
        self.method = method
        advice = f"; {self.advice}" if self.advice else ""
        super().__init__(portal, f"{method} was refused: {said} (HTTP {status}){advice}")
        self.code = code
        self.description = description
        self.status = status


class RequestLimit(ApiError):
    """QUERY_LIMIT_EXCEEDED: the portal's request bucket is full."""


class OperatingLimit(ApiError):
    """OPERATION_TIME_LIMIT: one method has used up its run time of ten minutes."""


class Overloaded(ApiError):
    """OVERLOAD_LIMIT: Bitrix24 has blocked REST for this portal by hand."""

    advice = "Bitrix24 has blocked this portal's REST by hand: ask its support"


class TokenExpired(ApiError):
    """expired_token or invalid_token: the portal does not take the access token; a new one may be taken."""

    advice = "it is refreshed and tried again by itself; if it lasts, ask Bitrix24's support"


class AuthorizationRefused(ApiError):
    """invalid_grant: the code or refresh token is wrong, was used before, or is too old."""

    advice = "connect the portal again with `b24 portal connect`"


class ApplicationRefused(ApiError):
    """The authorization server does not know our application, or not in this portal."""

    advice = "check BITRIX24_CLIENT_ID and BITRIX24_CLIENT_SECRET, and that the application is installed in the portal"


class ServerFault(ApiError):
    """A fault inside the portal; reads may be repeated."""


class CredentialRefused(ApiError):
    """The credential is wrong or revoked, or its owner was dismissed."""

    advice = "check the webhook credential in the portal, then run `b24 portal add` again"


class ScopeMissing(ApiError):
    """The credential does not cover this method."""

    @property
    def advice(self) -> str:  # type: ignore[override]
        """The scope that has the method's name, or those that every method of ours needs."""
        first = self.method.partition(".")[0]
        scopes = f"scope {first}" if first in _SCOPES else "scopes crm and user"
        return f"tick the {scopes} for this credential in the portal"


class AccessDenied(ApiError):
    """The credential's user, or the portal's plan, may not do this."""

    advice = "the credential's owner needs the right to it, and the plan must include REST"


class PaymentRequired(ApiError):
    """The portal's plan or the Market subscription has ended."""

    advice = "renew the portal's subscription"


class AppRemoved(ApiError):
    """The application is not installed in the portal any more."""

    advice = "install the application again"


class PortalDeleted(ApiError):
    """The portal was closed, perhaps for a time."""

    advice = "the portal is closed; pause it or remove it"


class ConfirmationPending(ApiError):
    """An administrator of the portal has to confirm this method."""

    advice = "an administrator has to confirm it in the portal"


class MethodNotFound(ApiError):
    """The portal has no such method."""


class ObjectNotFound(ApiError):
    """The portal has no such object."""


class InvalidArgument(ApiError):
    """The portal does not accept an argument."""
