"""What a sync of one entity did, and its row in the sync log."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from time import monotonic

from b24_pipeline.bitrix.client import BitrixClient
from b24_pipeline.errors import B24Error, DatabaseError, UnreadableAnswer
from b24_pipeline.store.crm import sync_log
from b24_pipeline.store.database.warehouse import StorageError, Warehouse
from b24_pipeline.store.portals.portal import Portal


@dataclass(slots=True)
class Outcome:
    """The figures of one sync of one entity. `error` is None where it worked; `question` is what a person
    has to decide before the rest can be done.

    `months` are the months of creation of the rows changed (portal's zone). Of a
    reconciliation, `missing` are rows of the portal that were not here, and
    `outdated` those that differed; rows that are gone there are `rows_deleted`.
    """

    portal: str
    entity: str
    sync_type: str
    rows_read: int = 0
    rows_changed: int = 0
    rows_deleted: int = 0
    missing: int = 0
    outdated: int = 0
    values_set_aside: int = 0
    requests: int = 0
    operating_seconds: float = 0.0
    seconds: float = 0.0
    watermark: datetime | None = None
    months: set[date] = field(default_factory=set)
    error: B24Error | None = None
    question: B24Error | None = None
    resumed: bool = False  # it went on where a killed one was

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
    except B24Error as error:
        outcome.error = error
    except StorageError as error:
        # the message may quote a row: the code alone goes on
        outcome.error = DatabaseError(
            f"{portal.name}: storing {entity} failed with PostgreSQL error {error.sqlstate or 'without a code'}; "
            "nothing of this page was stored, run it again"
        )
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # so may this one; a portal that answers in another shape must not end the other portals' syncs
        outcome.error = UnreadableAnswer(
            portal.name,
            f"an answer about {entity} is not of the expected shape ({type(error).__name__} at {_place(error)})",
        )
    outcome.requests = client.usage.requests - requests
    outcome.operating_seconds = client.usage.operating_seconds - operating
    outcome.seconds = monotonic() - started
    _finish(warehouse, log_id, outcome)


def _place(error: BaseException) -> str:
    """Module and line where it came from."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}:{last.lineno}"


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
