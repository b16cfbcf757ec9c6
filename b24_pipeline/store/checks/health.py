"""The state of every portal in one look, by the database alone: no portal is asked.

`b24 status`, `b24 doctor`, the readiness probe and the metrics agree, because
all of them read it from this module.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from b24_pipeline.entities import CRM
from b24_pipeline.store.checks.coverage import Proof, coverage
from b24_pipeline.store.database import queries

_sql = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class PortalHealth:
    """One portal. Times are UTC, ages seconds by the database's clock.

    `paused_at`: when a person has paused it.
    `connected_by`: webhook or oauth; None once it is disconnected. `lag_seconds`:
    the age of the oldest watermark, before which everything is complete; None where
    an entity was never read to the end. `read_seconds`: the time since the oldest last read.
    `events_due` wait to be drained, the longest for `due_seconds`;
    `events_retried` have failed before; `events_failed` were given up.
    `proves_events`: whether we know the token that its events come with.
    `unannounced`: changes found by polling that no event announced;
    `silent_since`: when there were too many of them, None while events arrive.
    `stages_checked_at`: when our figures were last beside the portal's, and how many stages that
    were; `stages_differing` were not equal, and of these `stages_repaired` were wrong and put right at once,
    `stages_wrong` are wrong still. `syncs_failed`: entities whose last sync that has ended failed, events left out.
    `budget_seconds`: how long the next request would wait behind others, burst left out.
    """

    account: UUID
    name: str
    domain: str
    status: str
    reason: str | None
    paused_at: datetime | None
    connected_by: str | None
    token_expires_at: datetime | None
    refresh_failed_at: datetime | None
    lag_seconds: float | None
    read_seconds: float | None
    events_due: int
    due_seconds: float
    events_retried: int
    events_failed: int
    last_event_at: datetime | None
    proves_events: bool
    bound_events: list[str]
    handler_url: str | None
    bound_at: datetime | None
    unannounced: int
    silent_since: datetime | None
    silence_checked_at: datetime | None
    budget_seconds: float
    stages_checked_at: datetime | None = None
    stages_checked: int = 0
    stages_differing: int = 0
    stages_wrong: int = 0
    stages_repaired: int = 0
    syncs_failed: int = 0
    coverage: tuple[Proof, ...] = ()

    @property
    def is_held(self) -> bool:
        """Whether a person has paused it, so that nothing new is expected."""
        return self.status == "paused" and self.paused_at is not None

    @property
    def not_synced(self) -> list[str]:
        """The entities of which nothing was ever proved complete, so that an empty table says nothing."""
        proved = {proof.entity_type for proof in self.coverage}
        return [entity.name for entity in CRM if entity.name not in proved]


def health(connection: psycopg.Connection) -> list[PortalHealth]:
    """The health of every portal, by name, disconnected ones included."""
    proofs: defaultdict[UUID, list[Proof]] = defaultdict(list)
    for proof in coverage(connection):
        proofs[proof.account].append(proof)
    with connection.cursor(row_factory=class_row(PortalHealth)) as cursor:
        portals = cursor.execute(_sql.health.sql).fetchall()
    return [replace(portal, coverage=tuple(proofs[portal.account])) for portal in portals]
