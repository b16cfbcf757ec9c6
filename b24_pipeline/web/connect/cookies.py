"""The cookie that says it is the same browser: who began an authorization has to be the one who ends it."""

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
    """256 random bits, for ten minutes.

    Over https it has the prefix `__Host-`, so that no other host can plant it.
    Plain http is for a service that is reached by http (B24_PUBLIC_URL), and for
    a browser on the service's own machine.
    """

    def __init__(self, public_url: str) -> None:
        self._https = public_url.startswith("https://")

    def value(self, request: Request) -> str:
        """This browser's cookie, "" where it has none of ours."""
        given = request.cookies.get(self._name(request), "")
        return given if _SHAPE.fullmatch(given) else ""

    def renew(self, request: Request, response: Response, value: str) -> None:
        """Sets it again: an authorization in another tab goes on, and the ten minutes begin anew."""
        response.set_cookie(
            self._name(request),
            value,
            max_age=LIFETIME_SECONDS,
            path="/",
            secure=self._secure(request),
            httponly=True,
            samesite="lax",  # strict would keep it back when the portal sends the browser here
        )

    def _name(self, request: Request) -> str:
        return SECURE_NAME if self._secure(request) else PLAIN_NAME

    def _secure(self, request: Request) -> bool:
        # request.url would raise for a Host header that is no host
        host = re.sub(r":[0-9]*$", "", request.headers.get("host", ""))
        return self._https and host not in _LOOPBACK


def new_value() -> str:
    """For a browser that has none yet."""
    return secrets.token_urlsafe(32)
