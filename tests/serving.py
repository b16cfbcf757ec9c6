"""The route of inbound events on a real socket, in this process."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

from b24_pipeline.store.landing import Landing
from b24_pipeline.store.pool import Warehouse
from b24_pipeline.store.senders import Authenticator
from b24_pipeline.store.vault import Vault
from b24_pipeline.web.webhooks import OnInstall, Receiver, router
from tests.installation import KEY


def receiver_of(
    warehouse: Warehouse, *, landing: Any = None, on_install: OnInstall | None = None
) -> Receiver:
    """A receiver on a test's database."""
    return Receiver(
        landing or Landing(warehouse), Authenticator(warehouse, Vault(KEY)), on_install=on_install
    )


@contextmanager
def served(receiver: Receiver) -> Iterator[str]:
    """Its address while the block runs."""
    app = FastAPI()
    app.include_router(router(receiver))
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/webhooks/bitrix24"
    finally:
        server.should_exit = True
        thread.join()
