"""What a person types about a portal."""

from __future__ import annotations


def address_typed(text: str) -> str:
    """A portal's address as a person pasted it, without blanks and without the path of a page."""
    scheme, mark, rest = text.strip().rpartition("://")
    return scheme + mark + rest.partition("/")[0]


def name_of(address: str) -> str:
    """A name for a portal: the first part of its host."""
    return address.rpartition("://")[2].partition(":")[0].partition(".")[0] or "portal"


def webhook_typed(text: str) -> str | None:
    """The address of an inbound webhook, where a person pasted one; by https where they left that out."""
    address = text.strip()
    if "/rest/" not in address:
        return None
    return address if "://" in address else f"https://{address}"
