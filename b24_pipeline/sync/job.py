"""One portal being synced: what every part of the work needs at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from b24_pipeline.bitrix.client import BitrixClient
from b24_pipeline.errors import SyncBusy
from b24_pipeline.store.database.locks import held
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.outcome import Outcome, recorded


@dataclass(frozen=True, slots=True)
class Job:
    """A portal, its client, and where its rows go."""

    portal: Portal
    client: BitrixClient
    warehouse: Warehouse
    options: Options

    @contextmanager
    def recorded(self, entity: str, sync_type: str) -> Iterator[Outcome]:
        """The sync log around a block; see `outcome.recorded`."""
        with recorded(
            self.warehouse, self.client, self.portal, entity, sync_type, self.options.run_id
        ) as outcome:
            yield outcome

    @contextmanager
    def alone(self, entity: str) -> Iterator[None]:
        """No other process syncs this entity of this portal meanwhile. Raises SyncBusy after a long wait."""
        patience = self.options.lock_wait_seconds
        with held(self.warehouse, f"{self.portal.id} {entity}", wait_seconds=patience) as got:
            if not got:
                raise SyncBusy(
                    self.portal.name,
                    f"another process has been syncing {entity} for more than {patience} s; try again when it is done",
                )
            yield


Step = Callable[[Job], list[Outcome]]
