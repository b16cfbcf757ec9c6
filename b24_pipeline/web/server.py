"""The uvicorn server, with limits for a service that strangers can reach."""

from __future__ import annotations

import errno
import resource
import socket
from contextlib import suppress
from functools import partial
from typing import Any, cast

import uvicorn
from fastapi import FastAPI

from b24_pipeline.errors import UsageError
from b24_pipeline.web.client_address import ClientAddresses
from b24_pipeline.web.connections import ConnectionLimits, HttpConnection, Room

WAITING_CONNECTIONS = 2048
# all that wait can be accepted before the first of them is closed, beside the database and the log
DESCRIPTORS = 4096
# a stop may take 15 s in all: the rest is for the events that are being stored
LAST_REQUESTS_SECONDS = 10


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, in which connections wait until the application has started.

    Raises UsageError where the address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=WAITING_CONNECTIONS)
    except OSError as error:
        raise unusable(host, port, error) from None


def unusable(host: str, port: int, error: OSError, port_option: str = "--port") -> UsageError:
    """Says why an address cannot be listened on, and which option helps.

    Of a host that is unknown, or none of this machine's, no port can be listened on.
    """
    number = error.errno or 0
    if number == errno.EADDRINUSE:
        reason = "is taken already"
    else:  # Python's own words name the address once more
        said = (error.strerror or "an error of the network").partition(" (while attempting")[0]
        reason = f"cannot be listened on ({said})"
    is_of_host = number < 0 or number == errno.EADDRNOTAVAIL  # below 0 are the errors of names
    option = "--host" if is_of_host else port_option
    return UsageError(f"{host}:{port} {reason}; choose another with {option}")


def serve(app: FastAPI, listening: socket.socket, addresses: ClientAddresses) -> None:
    """Serves until SIGINT or SIGTERM, and finishes the requests under way. Call it from the main thread."""
    _allow_descriptors()
    # uvicorn raises the signal again when it is done, for the handler that was set before
    with suppress(KeyboardInterrupt):
        server_of(app, addresses).run(sockets=[listening])


def server_of(
    app: FastAPI, addresses: ClientAddresses | None = None, limits: ConnectionLimits | None = None
) -> uvicorn.Server:
    """A uvicorn server of this application, with our limits. Without `addresses` there is no proxy in front of it."""
    limits = limits or ConnectionLimits()
    protocol = partial(HttpConnection, Room(limits, addresses or ClientAddresses()))
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=cast(Any, protocol),  # called with names, as a class would be
            ws="none",
            lifespan="on",
            log_config=None,
            log_level="error",  # warnings about wrong requests would let strangers fill the disk
            access_log=False,  # it prints queries, which hold codes and states
            proxy_headers=False,  # no answer depends on the caller's address, so a forged one changes nothing
            server_header=False,
            timeout_keep_alive=int(limits.idle_seconds) + 1,  # ours ends first: any byte stops uvicorn's
            timeout_graceful_shutdown=LAST_REQUESTS_SECONDS,
        )
    )


def _allow_descriptors() -> None:
    """Raises the number of files and sockets that this process may open, as far as the system lets it."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if most == resource.RLIM_INFINITY else min(DESCRIPTORS, most)
    if allowed not in (resource.RLIM_INFINITY, wanted) and allowed < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
