"""Addresses as people's browsers show them: of portals, and our own."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Request

from b24_pipeline.bitrix.http.address import origin_of
from b24_pipeline.errors import AddressRefused
from b24_pipeline.store.portals.portal import Portal


def origin_of_portal(portal: Portal) -> str:
    """`https://acme.bitrix24.com`, or by http as the sandbox is reached; an odd address must not break a page."""
    try:
        return origin_of(portal.domain)
    except AddressRefused:
        return f"https://{portal.domain}"


def other_origin(request: Request, public_url: str) -> str:
    """The origin at which a page was opened, where that is not the service's public one; "" where it is.

    A proxy may hide either scheme or host, so a page that links to this one counts as well.
    """
    expected = urlsplit(public_url)
    host = request.headers.get("host", "")
    came_from = urlsplit(request.headers.get("referer", ""))
    if expected.netloc.lower() in (host.lower(), came_from.netloc.lower()):
        return ""
    return f"{request.url.scheme}://{host}"
