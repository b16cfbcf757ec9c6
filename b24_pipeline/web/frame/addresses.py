"""Where people open a portal in their browser."""

from __future__ import annotations

from b24_pipeline.bitrix.http.address import origin_of
from b24_pipeline.errors import AddressRefused
from b24_pipeline.store.portals.portal import Portal


def origin_of_portal(portal: Portal) -> str:
    """`https://acme.bitrix24.com`, or by http as the sandbox is reached; an odd address must not break a page."""
    try:
        return origin_of(portal.domain)
    except AddressRefused:
        return f"https://{portal.domain}"
