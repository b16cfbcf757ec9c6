"""A browser whose person opens a link of the service and agrees in the portal."""

from __future__ import annotations

import httpx


def follow(link: str) -> httpx.Response:
    """Opens the link in a new browser, agrees, and comes back; the last page, or the one that refused."""
    with httpx.Client(trust_env=False, timeout=20) as browser:
        to_portal = browser.get(link)
        if to_portal.status_code != 302:
            return to_portal
        agreed = browser.get(to_portal.headers["location"] + "&confirm=Y")
        return browser.get(agreed.headers["location"])
