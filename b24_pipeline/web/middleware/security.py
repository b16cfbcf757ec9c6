"""Security headers of every answer: they follow OWASP ASVS 5."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
PAGE = NOTHING.replace("default-src 'none'", "default-src 'none'; style-src 'self'; img-src 'self'")
# A browser applies form-action to every redirect that follows, and a portal sends people who are
# not signed in on to hosts that we cannot list.
FORM_PAGE = PAGE.replace("form-action 'none'", "form-action 'self' https: http:")

_ALWAYS = {
    "Content-Security-Policy": NOTHING,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
_ONE_YEAR = "max-age=31536000"


class SecurityHeaders:
    """Middleware that adds the security headers to every answer that does not set its own."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        headers = _ALWAYS | ({"Strict-Transport-Security": _ONE_YEAR} if https else {})
        # encoded once: this runs for each of thousands of events a second
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, and adds the headers to its answer (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = message.setdefault("headers", [])
                names = {name.lower() for name, _ in own}
                if _may_be_framed(own):
                    names.add(
                        b"x-frame-options"
                    )  # it knows no origins, and would forbid what the policy allows
                message["headers"] = [*own, *(pair for pair in self._headers if pair[0] not in names)]
            await send(message)

        await self._app(scope, receive, protected)


def _may_be_framed(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a page's own policy names an origin that may have it in a frame."""
    policy = next((value for name, value in headers if name.lower() == b"content-security-policy"), b"")
    return b"frame-ancestors http" in policy
