"""uvicorn on a socket of our own, in a thread or in the foreground."""

from __future__ import annotations

import socket
import threading

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from b24_pipeline.sandbox.http.gateway import Gateway
from b24_pipeline.sandbox.http.wire import TRANSPORT

_START_SECONDS = 10.0


class _Protocol(HttpToolsProtocol):
    """Lends the application the connection, so that a fault can cut it."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[TRANSPORT] = self.transport  # type: ignore[literal-required]


class Server:
    """Serves one gateway; `port` is known as soon as this exists."""

    def __init__(self, gateway: Gateway, host: str, port: int) -> None:
        self._socket = socket.create_server((host, port), backlog=256)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            gateway,
            http=_Protocol,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="critical",
            server_header=False,
            timeout_graceful_shutdown=1,
            timeout_keep_alive=30,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="b24-sandbox", daemon=True)

    def start(self) -> None:
        """Serve in the background; returns when requests are answered."""
        self._thread.start()
        waiter = threading.Event()
        for _ in range(int(_START_SECONDS / 0.005)):
            if self._server.started:
                return
            waiter.wait(0.005)
        raise TimeoutError(f"the sandbox did not start within {_START_SECONDS:.0f} seconds")

    def stop(self) -> None:
        """Cut open connections and free the port."""
        self._server.should_exit = True
        self._server.force_exit = True
        if self._thread.ident is not None:
            self._thread.join(timeout=5)
        self._socket.close()

    def run(self) -> None:
        """Serve in the foreground until SIGTERM or SIGINT."""
        self._run()

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])
