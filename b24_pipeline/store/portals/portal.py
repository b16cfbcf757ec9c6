"""The portal as a value: a row of `user_accounts`, with its statuses."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

CONNECTED = "connected"
REAUTHORIZATION_REQUIRED = "reauthorization_required"
PAUSED = "paused"
DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True)
class Portal:
    """A connected portal, a row of `user_accounts`. `Portals` decrypts what is locked.

    `connected_by`: "oauth" or "webhook". `member_id` is Bitrix24's own
    identity of it, not known of every webhook portal.
    """

    id: UUID
    name: str
    domain: str
    entity_type: str
    plan: str
    status: str
    time_zone: str
    locked_webhook_url: str | None = field(repr=False, default=None)
    member_id: str | None = None
    connected_by: str = "webhook"
    status_reason: str | None = None
    user_id: int | None = None
    connected_at: datetime | None = None
    token_expires_at: datetime | None = None
    locked_application_token: str | None = field(repr=False, default=None)
