"""What a sync of one entity did, and its row in the sync log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from time import monotonic

import psycopg

from b24_pipeline.bitrix.client import BitrixClient
from b24_pipeline.errors import B24Error, DatabaseError
from b24_pipeline.store import sync_log
from b24_pipeline.store.pool import Warehouse
from b24_pipeline.store.portals import Portal


@dataclass(slots=True)
class Outcome:
    """The figures of one sync of one entity. `error` is None where it worked.

    `months` are the months of creation of the rows changed (portal's zone).
    """

    portal: str
    entity: str
    sync_type: str
    rows_read: int = 0
    rows_changed: int = 0
    rows_deleted: int = 0
    values_set_aside: int = 0
    requests: int = 0
    operating_seconds: float = 0.0
    seconds: float = 0.0
    watermark: datetime | None = None
    months: set[date] = field(default_factory=set)
    error: B24Error | None = None

    @property
    def worked(self) -> bool:
        """Whether it ended without an error."""
        return self.error is None


@contextmanager
def recorded(
    warehouse: Warehouse,
    client: BitrixClient,
    portal: Portal,
    entity: str,
    sync_type: str,
    run_id: str | None = None,
) -> Iterator[Outcome]:
    """Writes the sync log around the block. An error of ours ends in `outcome.error` instead of going on."""
    outcome = Outcome(portal.name, entity, sync_type)
    log_id = sync_log.begin(warehouse, portal.id, entity, sync_type, run_id)
    requests, operating = client.usage.requests, client.usage.operating_seconds
    started = monotonic()
    try:
        yield outcome
    except DatabaseError:
        raise  # there is nowhere to write to
    except B24Error as error:
        outcome.error = error
    except psycopg.Error as error:
        # the message may quote a row: the code alone goes on
        outcome.error = DatabaseError(
            f"{portal.name}: storing {entity} failed with PostgreSQL error {error.sqlstate or 'without a code'}; "
            "nothing of this page was stored, run it again"
        )
    outcome.requests = client.usage.requests - requests
    outcome.operating_seconds = client.usage.operating_seconds - operating
    outcome.seconds = monotonic() - started
    _finish(warehouse, log_id, outcome)


def _finish(warehouse: Warehouse, log_id: int, outcome: Outcome) -> None:
    sync_log.finish(
        warehouse,
        log_id,
        sync_status="success" if outcome.worked else "failed",
        rows_read=outcome.rows_read,
        rows_changed=outcome.rows_changed,
        rows_deleted=outcome.rows_deleted,
        values_set_aside=outcome.values_set_aside,
        requests=outcome.requests,
        operating_seconds=outcome.operating_seconds,
        watermark=outcome.watermark,
        error_code=type(outcome.error).__name__ if outcome.error else None,
        error_message=str(outcome.error) if outcome.error else None,
    )
