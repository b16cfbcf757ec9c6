"""A handler of events: a small HTTP server that keeps what comes."""

from __future__ import annotations

import threading
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import parse_qsl


class Receiver:
    """Answers every POST with `status`; `events` are the decoded forms, `headers` those of the latest."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.events: list[dict[str, str]] = []
        self.headers = Message()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/webhooks/bitrix24"

    def of(self, event: str) -> list[dict[str, str]]:
        """The events of one name, in the order in which they came."""
        return [one for one in self.events if one["event"] == event]

    def ids(self, event: str) -> list[int]:
        """The element ids of the events of one name."""
        return [int(one["data[FIELDS][ID]"]) for one in self.of(event)]

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.headers = self.headers
                receiver.events.append(dict(parse_qsl(body.decode(), keep_blank_values=True)))
                self.send_response(receiver.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        return Handler
