"""The cookie that names a browser, so that an authorization ends in the browser that began it."""

from __future__ import annotations

import re
import secrets

from fastapi import Request, Response

SECURE_NAME = "__Host-b24_browser"
PLAIN_NAME = "b24_browser"
LIFETIME_SECONDS = 600
_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class BrowserCookie:
    """Reads and sets the cookie: 256 random bits that live for ten minutes.

    Over https its name has the prefix `__Host-`, so that no other host can set it.
    A service whose B24_PUBLIC_URL is plain http, and a browser on the service's own
    machine, use a plain name.
    """

    def __init__(self, public_url: str) -> None:
        self._https = public_url.startswith("https://")

    def value(self, request: Request) -> str:
        """The value of this browser's cookie, "" where it has none that we made."""
        given = request.cookies.get(self._name(request), "")
        return given if _SHAPE.fullmatch(given) else ""

    def renew(self, request: Request, response: Response, value: str) -> None:
        """Sets the cookie for ten more minutes; its value stays, so an authorization in another tab goes on."""
        response.set_cookie(
            self._name(request),
            value,
            max_age=LIFETIME_SECONDS,
            path="/",
            secure=self._secure(request),
            httponly=True,
            samesite="lax",  # with strict it would not be sent when the portal leads the browser back to us
        )

    def _name(self, request: Request) -> str:
        return SECURE_NAME if self._secure(request) else PLAIN_NAME

    def _secure(self, request: Request) -> bool:
        # request.url would raise for a Host header that is no host
        host = re.sub(r":[0-9]*$", "", request.headers.get("host", ""))
        return self._https and host not in _LOOPBACK


def new_value() -> str:
    """A random value for a browser that has no cookie yet."""
    return secrets.token_urlsafe(32)
