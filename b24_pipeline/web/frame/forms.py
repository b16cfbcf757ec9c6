"""Guards of forms against other sites: where a request comes from, and a token that only our own pages have."""

from __future__ import annotations

import hmac
import secrets

from fastapi import Request

from b24_pipeline.errors import ForeignForm

FIELD = "form_token"
_SALT_BYTES = 16


def token_of(session: str) -> str:
    """A token for the forms of a page of this session; each page has another, so compression tells nothing of it."""
    salt = secrets.token_hex(_SALT_BYTES)
    return f"{salt}.{_signed(session, salt)}"


def check_token(session: str, token: str) -> None:
    """Raises ForeignForm unless a page of this session was sent with the token."""
    salt, _, signature = token.partition(".")
    if not session or not hmac.compare_digest(signature.encode(), _signed(session, salt).encode()):
        raise ForeignForm(
            "this form is not of a page of your session; open the page again and send it once more"
        )


def check_origin(request: Request, public_url: str) -> None:
    """Raises ForeignForm unless the browser says that one of our own pages sent this."""
    origin = request.headers.get("origin", "")
    own = {public_url.rstrip("/"), f"{request.url.scheme}://{request.headers.get('host', '')}"}
    if origin not in own:
        raise ForeignForm(
            "this form was sent by a page of another site, or by no browser; nothing was changed"
        )


def _signed(session: str, salt: str) -> str:
    return hmac.digest(session.encode(), f"form {salt}".encode(), "sha256").hex()
