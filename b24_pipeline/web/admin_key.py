"""The bearer key of the management calls (B24_ADMIN_KEY)."""

from __future__ import annotations

import secrets

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
    return kept_secret(settings.b24_home.expanduser() / "admin.key", lambda: secrets.token_urlsafe(BYTES))
