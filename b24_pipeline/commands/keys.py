"""`b24 keys new | rotate`: makes a key, encrypts the stored secrets with the newest key."""

from __future__ import annotations

from b24_pipeline.commands.opening import installation
from b24_pipeline.commands.screen import output


def new() -> None:
    """Print a new key for B24_SECRET_KEYS."""
    from cryptography.fernet import Fernet

    output.print(Fernet.generate_key().decode())


def rotate() -> None:
    """Encrypt every stored secret again, with the newest key of B24_SECRET_KEYS."""
    with installation(without_portals=True, without_locks=True) as opened:
        count = opened.portals.renew_keys()
    output.print(
        f"{count} secrets are encrypted with the newest key; "
        "older keys can be taken out of B24_SECRET_KEYS once every process has been restarted"
    )
