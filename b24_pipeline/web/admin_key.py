"""The key of the management calls."""

from __future__ import annotations

import secrets

from b24_pipeline.settings import Settings
from b24_pipeline.store.database.secret_file import kept_secret

BYTES = 32


def admin_key(settings: Settings) -> str | None:
    """B24_ADMIN_KEY; the embedded default makes itself one, `admin.key` under B24_HOME; else there is none."""
    if settings.b24_admin_key:
        return settings.b24_admin_key.get_secret_value()
    if settings.database_url:
        return None
    return kept_secret(settings.b24_home.expanduser() / "admin.key", lambda: secrets.token_urlsafe(BYTES))
