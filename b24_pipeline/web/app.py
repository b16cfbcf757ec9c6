"""The HTTP application of an opened installation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from b24_pipeline.runtime import Runtime
from b24_pipeline.settings import child_environment
from b24_pipeline.store.access.sessions import delete_ended as delete_ended_sessions
from b24_pipeline.store.checks.health import PortalHealth, health
from b24_pipeline.store.database.migrations import check_migrated
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.events.landing import Landing
from b24_pipeline.store.events.senders import Authenticator
from b24_pipeline.store.own_leads.uploads import delete_old as delete_old_uploads
from b24_pipeline.sync.portals.oauth import PortalConnector
from b24_pipeline.sync.portals.removal import Removals
from b24_pipeline.sync.portals.visitors import PortalVisitors
from b24_pipeline.web.admin_key import admin_key
from b24_pipeline.web.assembly import Parts, assemble
from b24_pipeline.web.clean_up import cleaning
from b24_pipeline.web.client_address import ClientAddresses
from b24_pipeline.web.events.proving import Proofs
from b24_pipeline.web.events.receiver import Receiver
from b24_pipeline.web.metrics.portal_gauges import PortalGauges
from b24_pipeline.web.metrics.totals import EventGauges, PortalTotals, RememberedHealth
from b24_pipeline.web.portal_service import PortalService
from b24_pipeline.web.work import Work


def create_app(runtime: Runtime) -> FastAPI:
    """The HTTP service of this installation.

    Without an OAuth application in the settings it connects no portals and only manages them.
    """
    connecting = runtime.connector() if runtime.oauth else None
    receiver = _receiver(runtime, connecting)
    known = RememberedHealth(lambda: _portals(runtime.warehouse))
    registry, portal_registry = CollectorRegistry(), CollectorRegistry()
    registry.register(EventGauges(receiver))
    registry.register(PortalTotals(known))
    portal_registry.register(PortalGauges(known))
    return assemble(
        Parts(
            public_url=runtime.settings.b24_public_url,
            warehouse=runtime.warehouse,
            portals=runtime.portals,
            service=PortalService(
                runtime.connections,
                connecting,
                runtime.options(),
                Work(runtime.warehouse, child_environment(runtime.settings)),
            ),
            receiver=receiver,
            check_database=lambda: check_migrated(runtime.warehouse),
            addresses=ClientAddresses(runtime.settings.trusted_proxies),
            connecting=connecting,
            visitors=PortalVisitors(runtime.connections, runtime.oauth) if runtime.oauth else None,
            redirect_uri=runtime.settings.bitrix24_redirect_uri,
            admin_key=admin_key(runtime.settings),
            registry=registry,
            portal_registry=portal_registry,
            running=_running(receiver, runtime.warehouse),
        )
    )


def _receiver(runtime: Runtime, connecting: PortalConnector | None) -> Receiver:
    landing = Landing(runtime.warehouse)
    authenticator = Authenticator(runtime.warehouse, runtime.portals.vault)
    if connecting is None:
        return Receiver(landing, authenticator)
    removals = Removals(runtime.connections)
    proofs = Proofs(connecting.install, connecting.prove, removals.is_removed)
    return Receiver(landing, authenticator, proofs)


def _running(receiver: Receiver, warehouse: Warehouse) -> Callable[[], AbstractAsyncContextManager[None]]:
    """A lifespan in which what is over is deleted, and at whose end the commits under way are finished."""

    def delete_old() -> None:
        delete_old_uploads(warehouse)
        delete_ended_sessions(warehouse)

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        async with cleaning(delete_old):
            yield
        await receiver.close()

    return running


def _portals(warehouse: Warehouse) -> Sequence[PortalHealth]:
    return warehouse.transact(health)
