"""An installation and small portals to sync."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portal import Portal
from tests.conftest import Server
from tests.support.installation import Installation, worked

Preparation = Callable[[Installation, Portal], object]


def sync_once(installation: Installation, portal: Portal) -> None:
    """The first sync, of all that there is."""
    worked(installation.sync(portal))


@pytest.fixture
def preparation() -> Preparation:
    """What was done with a `synced_portal` before the test begins; a module may have another one."""
    return sync_once


@pytest.fixture
def database_url(request: pytest.FixtureRequest, server: Server, preparation: Preparation) -> Iterator[str]:
    """A fresh, migrated database; for a test with a `synced_portal`, one that has its rows already."""
    if "synced_portal" in request.fixturenames:
        url = prepared_for(server, request.getfixturevalue("sandbox").config, preparation)
    else:
        url = server.fresh()
    yield url
    server.drop(url)


def prepared_for(server: Server, config: SandboxConfig, preparation: Preparation) -> str:
    """The preparation is done once for each kind of portal: equal configurations have equal data."""

    def prepare(url: str) -> None:
        warehouse = Warehouse(url)
        with Sandbox(config) as same:
            installation = Installation(warehouse)
            preparation(installation, installation.add(same))
        warehouse.close()

    return server.prepared(f"{preparation.__module__} {preparation.__qualname__} {config}", prepare)


@pytest.fixture
def installation(warehouse: Warehouse) -> Installation:
    """An installation without any portal."""
    return Installation(warehouse)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A small portal without limits."""
    with Sandbox(SandboxConfig(leads=60, deals=60)) as portal:
        yield portal


@pytest.fixture
def synced_portal(installation: Installation, sandbox: Sandbox) -> Portal:
    """The sandbox, connected and synced. It took over from one with the same data, whose rows were copied."""
    return installation.add(sandbox, moved=True)
