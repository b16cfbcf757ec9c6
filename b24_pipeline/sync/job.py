"""The job of one portal: its client, the warehouse and the options, with what every step of the work needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Concatenate, ParamSpec, TypeAlias, TypeVar
from uuid import UUID

from b24_pipeline.bitrix.client import BitrixClient
from b24_pipeline.errors import B24Error, SyncBusy
from b24_pipeline.store.crm import sync_log
from b24_pipeline.store.database.locks import held
from b24_pipeline.store.database.warehouse import Connection, Warehouse
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.failures import explained
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.outcome import Outcome

T = TypeVar("T")
P = ParamSpec("P")

MARGIN_SECONDS = 60
"""Beyond the longest wait for a lock, before a sync that has not ended is taken for killed."""


@dataclass(frozen=True, slots=True)
class Job:
    """Work on one portal: the portal, its client, the warehouse that stores its rows, and the options."""

    portal: Portal
    client: BitrixClient
    warehouse: Warehouse
    options: Options

    def transact(
        self, work: Callable[Concatenate[Connection, UUID, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Calls a function of the store in one transaction and returns its result.

        The function gets a connection, this portal's account id, and the arguments. It may be called again if
        the transaction was lost: see `Warehouse.transact`.
        """
        return self.warehouse.transact(work, self.portal.id, *args, **kwargs)

    @contextmanager
    def recorded(self, entity: str, sync_type: str) -> Iterator[Outcome]:
        """Writes a row of the sync log for the block, and yields the outcome that the block fills in.

        No B24Error leaves the block: it ends in `outcome.error`.
        """
        outcome = Outcome(self.portal.name, entity, sync_type)
        log_id = self.transact(sync_log.begin, entity, sync_type, self.options.run_id)
        usage, started = self.client.usage, monotonic()
        requests, operating = usage.requests, usage.operating_seconds
        try:
            with explained(self.portal.name, f"syncing {entity}"):
                yield outcome
        except B24Error as error:
            outcome.error = error
        outcome.requests = usage.requests - requests
        outcome.operating_seconds += usage.operating_seconds - operating
        outcome.seconds = monotonic() - started
        self._finish(log_id, outcome)

    def _finish(self, log_id: int, outcome: Outcome) -> None:
        self.warehouse.transact(
            sync_log.finish,
            log_id,
            sync_status="success" if outcome.worked else "failed",
            watermark=outcome.watermark,
            error_code=type(outcome.error).__name__ if outcome.error else None,
            error_message=str(outcome.error) if outcome.error else None,
            **outcome.figures(),
        )

    @contextmanager
    def alone(self, entity: str) -> Iterator[None]:
        """Keeps other processes from syncing this entity of this portal during the block.

        Raises SyncBusy if another process holds it for longer than `options.lock_wait_seconds`.
        """
        patience = self.options.lock_wait_seconds
        with held(self.warehouse, f"{self.portal.id} {entity}", wait_seconds=patience) as got:
            if not got:
                raise SyncBusy(
                    self.portal.name,
                    f"another process has been syncing {entity} for more than {patience} s; try again when it is done",
                )
            self.transact(sync_log.close_killed, entity, seconds=patience + MARGIN_SECONDS)
            yield


Step: TypeAlias = Callable[[Job], list[Outcome]]
"""A step of a portal's work, which returns an outcome for each entity."""
