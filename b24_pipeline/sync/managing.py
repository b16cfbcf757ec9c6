"""What a person has done to a connected portal, and waits for."""

from __future__ import annotations

from dataclasses import dataclass

from b24_pipeline.errors import PortalError
from b24_pipeline.log import logger
from b24_pipeline.store.portals import Portal, Portals
from b24_pipeline.sync import bindings
from b24_pipeline.sync.connections import Connections
from b24_pipeline.sync.directories import sync_directories
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.outcome import Outcome
from b24_pipeline.sync.run import opened

_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Managing:
    """The portals of an installation; `handler_url` is where their events are sent to."""

    connections: Connections
    handler_url: str
    options: Options

    @property
    def portals(self) -> Portals:
        """Where they are stored."""
        return self.connections.portals

    def all(self) -> list[Portal]:
        """Every portal, by name."""
        return self.portals.all()

    def disconnect(self, portal: Portal) -> None:
        """Unbinds its events and forgets its secrets; the data stay.

        A portal that cannot be reached is disconnected all the same: without
        its secrets its events are refused here.
        """
        try:
            if portal.connected_by == "oauth" and portal.status != "disconnected":
                with self.connections.client(portal) as client:
                    bindings.unbind(client, self.handler_url)
        except PortalError as error:
            _log.warning("events not unbound", portal=portal.name, error=str(error))
        self.portals.disconnect(portal)

    def count_funnel_of(self, portal: Portal, entity_type: str) -> None:
        """Changes whose funnel is counted; of a portal connected by OAuth the events follow."""
        raise NotImplementedError

    def sync_pipelines(self, portal: Portal) -> int:
        """Reads pipelines, stages and fields again; returns how many stages there are. Raises B24Error."""
        with opened(self.connections, portal, self.options) as job:
            outcomes = sync_directories(job)
        for outcome in outcomes:
            if outcome.error:
                raise outcome.error
        return _rows_read(outcomes, "stage")


def _rows_read(outcomes: list[Outcome], entity: str) -> int:
    return next(outcome.rows_read for outcome in outcomes if outcome.entity == entity)
