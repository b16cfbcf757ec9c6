"""Cookies that name a browser: 256 random bits, of which no other host and no script knows."""

from __future__ import annotations

import re

from fastapi import Request, Response

from b24_pipeline.store.access.random_values import is_shaped

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class BrowserCookie:
    """Reads and sets one cookie.

    Over https its name has the prefix `__Host-`, so that no other host can set it. A service whose B24_PUBLIC_URL is
    plain http, and a browser on the service's own machine, use a plain name.
    """

    def __init__(self, public_url: str, name: str, lifetime_seconds: int) -> None:
        self._https = public_url.startswith("https://")
        self._plain_name = name
        self._lifetime = lifetime_seconds

    def value(self, request: Request) -> str:
        """The value of this browser's cookie, "" where it has none that we made."""
        given = request.cookies.get(self.name(request), "")
        return given if is_shaped(given) else ""

    def renew(self, request: Request, response: Response, value: str) -> None:
        """Sets the cookie for its whole lifetime from now on."""
        response.set_cookie(
            self.name(request),
            value,
            max_age=self._lifetime,
            path="/",
            secure=self._is_secure(request),
            httponly=True,
            samesite="lax",  # with strict it would not be sent when another site leads the browser to us
        )

    def renew_in_frame(self, request: Request, response: Response, value: str, seconds: int) -> None:
        """Sets the cookie for a page that stands in a frame of another site, and for frames of that site alone.

        Such a cookie is kept beside the one of the browser's own windows and never meets it (Partitioned, "CHIPS").
        """
        protection = "Secure; SameSite=None; Partitioned" if self._is_secure(request) else "SameSite=lax"
        # Python's cookies know no Partitioned before 3.14
        response.headers.append(
            "set-cookie",
            f"{self.name(request)}={value}; Max-Age={seconds}; Path=/; HttpOnly; {protection}",
        )

    def forget(self, request: Request, response: Response) -> None:
        """Lets the browser forget it."""
        response.delete_cookie(
            self.name(request), path="/", secure=self._is_secure(request), httponly=True, samesite="lax"
        )

    def name(self, request: Request) -> str:
        """The cookie's name for this browser."""
        return f"__Host-{self._plain_name}" if self._is_secure(request) else self._plain_name

    def is_protected(self, request: Request) -> bool:
        """Whether nobody between the browser and us can read the cookie: https, or the same machine."""
        return self._https or host_of(request) in LOOPBACK

    def _is_secure(self, request: Request) -> bool:
        return self._https and host_of(request) not in LOOPBACK


def host_of(request: Request) -> str:
    """The host that the browser asked for, without its port; request.url would raise for one that is none."""
    return re.sub(r":[0-9]*$", "", request.headers.get("host", ""))
