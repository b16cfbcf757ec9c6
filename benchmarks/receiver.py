"""The receiver of inbound events in a process of its own: `python -m benchmarks.receiver DATABASE_URL`."""

from __future__ import annotations

import json
import os
import socket
import sys

import uvicorn
from fastapi import FastAPI

from b24_pipeline.store.landing import Landing
from b24_pipeline.store.pool import Warehouse
from b24_pipeline.store.senders import Authenticator
from b24_pipeline.store.vault import Vault
from b24_pipeline.web.webhooks import Receiver, router


def main() -> None:
    """Prints its address as JSON, and serves until it is ended."""
    warehouse = Warehouse(sys.argv[1])
    receiver = Receiver(Landing(warehouse), Authenticator(warehouse, Vault(os.environ["B24_SECRET_KEYS"])))
    app = FastAPI()
    app.include_router(router(receiver))
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(json.dumps({"url": f"http://127.0.0.1:{listening.getsockname()[1]}"}), flush=True)
    config = uvicorn.Config(app, access_log=False, log_level="warning", timeout_keep_alive=30)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
