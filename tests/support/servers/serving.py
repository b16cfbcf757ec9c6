"""The webhook of inbound events on a real socket, in this process; and `b24 serve` in its own."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.events.landing import Landing
from b24_pipeline.store.events.senders import Authenticator
from b24_pipeline.web.events.proving import Proofs
from b24_pipeline.web.events.receiver import Receiver
from b24_pipeline.web.events.webhook import Webhook
from tests.support.installation import KEY

PATIENCE_SECONDS = 60


def receiver_of(warehouse: Warehouse, *, landing: Any = None, proofs: Proofs | None = None) -> Receiver:
    """A receiver on a test's database."""
    return Receiver(landing or Landing(warehouse), Authenticator(warehouse, Vault(KEY)), proofs)


@contextmanager
def served(receiver: Receiver) -> Iterator[str]:
    """Its address while the block runs."""
    app = Webhook(FastAPI(), receiver=receiver)
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


@contextmanager
def serve(cwd: Path, env: Mapping[str, str], port: int, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """The running command, ready; what it writes goes to serve.log. `options` stand before its name."""
    with (cwd / "serve.log").open("wb") as log:
        command = [sys.executable, "-m", "b24_pipeline", *options, "serve", "--port", str(port)]
        process = subprocess.Popen(command, cwd=cwd, env=dict(env), stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            assert process.poll() is None, (cwd / "serve.log").read_text()
            assert time.monotonic() < deadline
            with suppress(httpx.HTTPError):
                if httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == 200:
                    break
            time.sleep(0.1)
        yield process
    finally:
        process.kill()
        process.wait()
