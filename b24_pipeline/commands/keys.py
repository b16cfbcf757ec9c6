"""`b24 keys rotate`: encrypts the stored secrets with the newest key."""

from __future__ import annotations

from b24_pipeline.commands.opening import installation
from b24_pipeline.commands.screen import output


def rotate() -> None:
    """Encrypt every stored secret again, with the newest key of B24_SECRET_KEYS."""
    with installation() as opened:
        count = opened.portals.renew_keys()
    output.print(
        f"{count} secrets are encrypted with the newest key; "
        "older keys can be taken out of B24_SECRET_KEYS once every process has been restarted"
    )
