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
    identity of it, as the authorization server has confirmed it; None of a webhook portal. `disconnected_at`: when its
    operator disconnected it. `paused_at`: when a person has paused it.
    `user_is_admin`: of the credential's owner when it was connected; None where not noted.
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
    user_is_admin: bool | None = None
    disconnected_at: datetime | None = None
    paused_at: datetime | None = None

    @property
    def is_closed(self) -> bool:
        """Whether its operator has disconnected it; only the operator connects it again."""
        return self.status == DISCONNECTED and self.disconnected_at is not None

    @property
    def is_held(self) -> bool:
        """Whether a person has paused it: nothing is asked of it, and only a person lets it go on."""
        return self.status == PAUSED and self.paused_at is not None

    @property
    def zone_name(self) -> str:
        """The time zone as people write it."""
        return zone_name(self.time_zone)

    @property
    def state(self) -> str:
        """How the account stands: another text each time that it was connected or disconnected."""
        moments = (self.connected_at, self.disconnected_at)
        return " ".join(moment.isoformat() if moment else "-" for moment in moments)


def zone_name(zone: str) -> str:
    """A time zone as people write it: one that is only an offset is UTC+3, where its code says Etc/GMT-3."""
    offset = zone.removeprefix("Etc/GMT")
    if offset == zone:
        return zone
    return f"UTC{offset.translate(str.maketrans('+-', '-+'))}" if offset.strip("+-0") else "UTC"
