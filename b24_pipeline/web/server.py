"""The uvicorn server, with limits for a service that strangers can reach."""

from __future__ import annotations

import socket
from contextlib import suppress

import uvicorn
from fastapi import FastAPI

from b24_pipeline.errors import UsageError
from b24_pipeline.web.protocol import PunctualProtocol

# below the usual 1,024 descriptors of a process, with room for the database and the log
MOST_CONNECTIONS = 800
WAITING_CONNECTIONS = 2048
IDLE_SECONDS = 15
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
        raise UsageError(
            f"{host}:{port} cannot be listened on ({error.strerror}); choose another with --port"
        ) from None


def serve(app: FastAPI, listening: socket.socket) -> None:
    """Serves until SIGINT or SIGTERM, and finishes the requests under way. Call it from the main thread."""
    # uvicorn raises the signal again when it is done, for the handler that was set before
    with suppress(KeyboardInterrupt):
        server_of(app).run(sockets=[listening])


def server_of(app: FastAPI) -> uvicorn.Server:
    """A uvicorn server of this application, with our limits."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=PunctualProtocol,
            ws="none",
            lifespan="on",
            log_config=None,
            log_level="error",  # warnings about wrong requests would let strangers fill the disk
            access_log=False,  # it prints queries, which hold codes and states
            proxy_headers=False,  # no answer depends on the caller's address, so a forged one changes nothing
            server_header=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=LAST_REQUESTS_SECONDS,
        )
    )
