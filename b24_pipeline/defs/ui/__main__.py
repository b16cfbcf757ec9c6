"""Serves Dagster's UI behind `SameOriginOnly`: `python -m b24_pipeline.defs.ui HOST PORT WORKSPACE`."""

from __future__ import annotations

import sys
from typing import Any

import uvicorn
from dagster import DagsterInstance, __version__
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.webserver import DagsterWebserver
from starlette.middleware import Middleware

from b24_pipeline.defs.ui.same_origin import SameOriginOnly
from b24_pipeline.settings import settings

STATEMENT_TIMEOUT_MS = 15_000
POOL_RECYCLE_SECONDS = 3600
POOL_OVERFLOW = 20
POLL_MS = 2000
USUAL_PORT = 80


class GuardedUi(DagsterWebserver):  # type: ignore[type-arg]
    """Dagster's webserver for pages of these hosts alone."""

    hosts: tuple[str, ...] = ()

    def build_middleware(self) -> list[Middleware]:
        """Dagster's own middleware, ours before it."""
        own: list[Middleware] = super().build_middleware()
        return [Middleware(SameOriginOnly, hosts=self.hosts), *own]


def hosts_of(host: str, port: int, more: tuple[str, ...]) -> tuple[str, ...]:
    """The names by which a browser may ask: the address, its local names, and those of the settings."""
    names = {host, "127.0.0.1", "localhost", "[::1]"}
    # browsers leave the usual port out
    own = names if port == USUAL_PORT else {f"{name}:{port}" for name in names}
    return (*sorted(own), *more)


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    host, port, workspace = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    with DagsterInstance.get() as instance:
        instance.optimize_for_webserver(STATEMENT_TIMEOUT_MS, POOL_RECYCLE_SECONDS, POOL_OVERFLOW)
        target = WorkspaceFileTarget([workspace])
        with WorkspaceProcessContext(instance, version=__version__, workspace_load_target=target) as context:
            ui: Any = GuardedUi(context, live_data_poll_rate=POLL_MS)
            ui.hosts = hosts_of(host, port, settings().ui_hosts)
            uvicorn.run(ui.create_asgi_app(), host=host, port=port, log_level="warning")


if __name__ == "__main__":
    main()
