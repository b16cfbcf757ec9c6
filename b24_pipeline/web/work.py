"""Has portals read and models built: by commands in processes of their own, or by Dagster. No request waits for it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Mapping
from functools import cache

from b24_pipeline.models import Project, load_project
from b24_pipeline.models.changed import is_current
from b24_pipeline.store.database.rights import rights
from b24_pipeline.store.database.warehouse import Connection, Warehouse
from b24_pipeline.store.portals import run_requests
from b24_pipeline.store.portals.portal import Portal


class Work:
    """Commands where the role of this process may read portals and build models; else requests to Dagster.

    `environment` is that of the commands, with the settings of this process.
    """

    def __init__(self, warehouse: Warehouse, environment: Mapping[str, str]) -> None:
        self._warehouse = warehouse
        self._environment = environment

    @property
    def is_asked_of_dagster(self) -> bool:
        """Whether nothing begins unless Dagster's daemon runs."""
        with self._warehouse.connect() as connection:
            return not rights(connection).may_build

    def sync(self, portal: Portal) -> None:
        """Has the portal read and does not wait; two at once do no harm, the database lets one wait."""
        if not self._is_asked(portal):
            process = self._started("sync", portal.name)
            # so that it is not left as a zombie when it has ended
            threading.Thread(target=process.wait, daemon=True).start()

    def leave_models(self) -> bool:
        """Asks Dagster for a build of the models where this process may not do it; returns whether it has asked."""
        return self._is_asked(None)

    def build_models(self) -> bool:
        """Builds the models in a process of its own and waits for it; returns whether it ended well."""
        return self._started("models").wait() == 0

    def _is_asked(self, portal: Portal | None) -> bool:
        return self._warehouse.transact(_asked, portal)

    def _started(self, *command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "b24_pipeline", *command],
            env=dict(self._environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )


def _asked(connection: Connection, portal: Portal | None) -> bool:
    if rights(connection).may_build:
        return False
    run_requests.request(connection, portal)
    return True


def is_built(warehouse: Warehouse) -> bool:
    """Whether the models have all that is in the tables."""
    with warehouse.connect() as connection:
        return is_current(connection, models())


@cache
def models() -> Project:
    """The models, read once: they come with the program."""
    return load_project()
