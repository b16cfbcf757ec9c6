"""The bearer key of the management calls (B24_ADMIN_KEY)."""

from __future__ import annotations

import secrets
from pathlib import Path

from b24_pipeline.settings import Settings
from b24_pipeline.store.database.secret_file import kept_secret

BYTES = 32


def admin_key(settings: Settings) -> str | None:
    """The key of the management calls, None where they are closed.

    B24_ADMIN_KEY where it is set. The embedded default makes itself a key once (`admin.key` under
    B24_HOME); with a DATABASE_URL and no key there is none.
    """
    if settings.b24_admin_key:
        return settings.b24_admin_key.get_secret_value()
    if settings.database_url:
        return None
    return kept_secret(_file(settings), lambda: secrets.token_urlsafe(BYTES))


def how_to_sign_in(settings: Settings) -> str:
    """Where a person finds the key for the pages; it is not shown itself, as what is printed may be kept."""
    if settings.b24_admin_key or settings.database_url:
        return "sign in with B24_ADMIN_KEY, or a key of `b24 access add`"
    return f"sign in with the key in {_file(settings)}"


def _file(settings: Settings) -> Path:
    return settings.b24_home.expanduser() / "admin.key"
