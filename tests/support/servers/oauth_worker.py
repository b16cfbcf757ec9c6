"""A process that calls a portal until its time is over.

`python -m tests.support.servers.oauth_worker URL KEY ORIGIN SECONDS` runs it.

With a POINT it sends itself SIGNAL there, once, SIGKILL by default. Prints how many calls succeeded, or the
name of the error that ended it.
"""

from __future__ import annotations

import os
import signal
import sys
import time

from b24_pipeline.errors import B24Error
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals import tokens
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.sync.connections import Connections
from tests.support.installation import NO_LIMIT
from tests.support.servers.authorization_server import AuthorizationServer


def arm(point: str, name: str) -> None:
    """The signal at this point, once."""
    harmless = tokens.fault

    def fault(_point: str) -> None:
        if _point == point:
            tokens.fault = harmless
            os.kill(os.getpid(), signal.Signals[name])

    tokens.fault = fault
    tokens.HOLD_SECONDS = 2


def main(url: str, key: str, origin: str, seconds: str, point: str = "", name: str = "SIGKILL") -> None:
    """Calls `profile` in a loop."""
    if point:
        arm(point, name)
    warehouse = Warehouse(url, pool_size=2)
    portals = Portals(warehouse, Vault(key))
    app = AuthorizationServer(origin=origin).app
    connections = Connections(warehouse, portals, ("127.0.0.1",), NO_LIMIT, oauth=app)
    calls, until = 0, time.monotonic() + float(seconds)
    try:
        with connections.client(portals.one("acme")) as client:
            while time.monotonic() < until:
                client.call("profile")
                calls += 1
                time.sleep(0.02)
    except B24Error as error:
        sys.stdout.write(f"{type(error).__name__} {error}\n")
        sys.exit(1)
    sys.stdout.write(f"{calls}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
