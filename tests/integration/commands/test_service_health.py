"""`b24 up` waits for Dagster itself, whatever else answers at its port."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from b24_pipeline.commands.service_health import healthy


@contextmanager
def another_program(body: bytes) -> Iterator[str]:
    """The address of a program that answers each POST by this body."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@pytest.mark.parametrize(
    "body",
    [
        b"hello",
        b"[]",
        b'"text"',
        b'{"error": "not_found"}',
        b'{"data": null}',
        b'{"data": []}',
        b'{"data": {}}',
        b'{"data": {"instance": {}}}',
    ],
)
def test_another_program_is_not_taken_for_dagster(body: bytes) -> None:
    """Its answer is no error of ours: Dagster's process ends without its port, and that is told."""
    with another_program(body) as address:
        assert healthy(address) is False
