"""Connections to Dagster's storage that a process keeps, so that an event does not cost five logins.

dagster-postgres opens a connection for each of its statements and closes it again. Over TLS, or on a slow server, that
is most of what an event costs.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakSet

from sqlalchemy.dialects import plugins
from sqlalchemy.engine import URL, CreateEnginePlugin, Engine
from sqlalchemy.pool import NullPool, QueuePool

KEPT = "b24_kept"
"""SQLAlchemy knows the plugin by this name in an URL's `plugin=`, once this module is imported."""

_engines: WeakSet[Engine] = WeakSet()


class KeptConnections(CreateEnginePlugin):
    """Has an engine that would keep no connection keep one, and open as many more as it needs at once.

    A kept one that the server has closed, by a restart or because it was idle, is noticed before it is used.
    """

    def __init__(self, url: URL, kwargs: dict[str, Any]) -> None:
        super().__init__(url, kwargs)
        if kwargs.get("poolclass") is NullPool:
            kwargs |= {"poolclass": QueuePool, "pool_size": 1, "max_overflow": -1, "pool_pre_ping": True}

    def update_url(self, url: URL) -> URL:
        """The URL as it is: the plugin's name is taken out of it by SQLAlchemy."""
        return url

    def engine_created(self, engine: Engine) -> None:
        """Remembers the engine for `close_kept`."""
        _engines.add(engine)


def close_kept() -> None:
    """Closes the connections that this process keeps and does not use right now; what comes later opens them anew."""
    for engine in list(_engines):
        engine.dispose()


plugins.register(KEPT, __name__, KeptConnections.__name__)
