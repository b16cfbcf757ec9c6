"""uvicorn on a socket of our own, in a thread or in the foreground."""

from __future__ import annotations

import asyncio
import socket
import threading
from functools import partial

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from b24_pipeline.sandbox.http.asgi import TRANSPORT
from b24_pipeline.sandbox.http.gateway import Gateway

_START_SECONDS = 10.0


class _Protocol(HttpToolsProtocol):
    """Lends the application the connection, so that a fault can cut it."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[TRANSPORT] = self.transport  # type: ignore[literal-required]


def listening(host: str, port: int) -> socket.socket:
    """A socket that takes connections from now on; port 0 is a free one. Raises OSError."""
    return socket.create_server((host, port), backlog=256)


class _Server(uvicorn.Server):
    """Remembers its loop, so that it can listen at more addresses while it serves."""

    loop: asyncio.AbstractEventLoop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        await super().startup(sockets)

    async def listen(self, opened: socket.socket) -> None:
        """Serve another socket too, until the end."""
        protocol = partial(
            _Protocol, config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        self.servers.append(await self.loop.create_server(protocol, sock=opened))


class Server:
    """Serves one gateway on a socket that it closes at the end."""

    def __init__(self, gateway: Gateway, opened: socket.socket) -> None:
        self._socket = opened
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
        self._server = _Server(config)
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

    def listen(self, host: str, port: int) -> None:
        """Answer at another address too; harmless where it does so already. Needs a started server."""
        known = [listener.getsockname()[:2] for server in self._server.servers for listener in server.sockets]
        if (socket.gethostbyname(host), port) not in known:
            future = self._server.listen(listening(host, port))
            asyncio.run_coroutine_threadsafe(future, self._server.loop).result(_START_SECONDS)

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
