"""What the authorization server refuses (docs/bitrix24-rest.md, section 2.3)."""

from __future__ import annotations

from b24_pipeline.sandbox.rest_error import RestError


def invalid_request(description: str) -> RestError:
    """A parameter is missing, empty or unknown."""
    return RestError("invalid_request", description, 400)


def invalid_client() -> RestError:
    """The answer to a wrong client secret."""
    return RestError("invalid_client", "Invalid client credentials", 400)


def wrong_client() -> RestError:
    """Nobody knows this client id; the server says so with 200 [seen]."""
    return RestError("wrong_client", "Wrong client", 200)


def not_installed() -> RestError:
    """The app was removed from the portal."""
    return RestError("NOT_INSTALLED", "Application not installed", 401)


def invalid_grant() -> RestError:
    """The code or refresh token is unknown, used or expired."""
    return RestError("invalid_grant", "Invalid grant", 400)


def invalid_token() -> RestError:
    """The answer to an access token of no application."""
    return RestError("invalid_token", "Unable to get application by token", 401)


def expired_token() -> RestError:
    """The answer to an access token whose time is over."""
    return RestError("expired_token", "The access token provided has expired.", 401)
