"""What the network can do to a request: faults 1 to 7 of the fault matrix, over real sockets."""

from __future__ import annotations

import datetime
import logging
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from b24_pipeline.bitrix.http.transport import Timeouts
from b24_pipeline.bitrix.lists.pages import ListQuery
from b24_pipeline.bitrix.lists.read import read_list
from b24_pipeline.errors import (
    AddressRefused,
    CertificateRefused,
    PortalMoved,
    PortalTimeout,
    PortalUnreachable,
)
from tests.support.servers.scripted_portal import SECRET, Reply, ScriptedPortal, client_to

OK = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\nConnection: close\r\n\r\n"
    b'{"result":"yes"}'
)
Talk = Callable[[socket.socket, int], None]


@contextmanager
def raw_server(talk: Talk, tls: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[int]]]:
    """A server that does what `talk` says with its n-th connection; yields the webhook and the count."""
    listener = socket.create_server(("127.0.0.1", 0))
    count: list[int] = []

    def serve(connection: socket.socket, number: int) -> None:
        try:
            with tls.wrap_socket(connection, server_side=True) if tls else connection as stream:
                talk(stream, number)
        except OSError:
            pass  # the client has gone, as the test wants it

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            count.append(1)
            threading.Thread(target=serve, args=(connection, len(count)), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    scheme = "https" if tls else "http"
    try:
        yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/rest/1/{SECRET}/", count
    finally:
        listener.close()


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def test_1_an_unknown_host_is_named(caplog: pytest.LogCaptureFixture) -> None:
    """DNS fails: repeated, then the message says that the name is unknown, and no secret."""
    with client_to(f"https://no-such-portal.invalid/rest/1/{SECRET}/") as client:
        with pytest.raises(PortalUnreachable, match="host name is unknown") as caught:
            client.call("profile")
        assert client.usage.requests == 4
    assert SECRET not in str(caught.value) + caplog.text


def test_2_a_refused_connection_is_named() -> None:
    """Nothing listens: repeated, then the message says so."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with (
        client_to(f"http://127.0.0.1:{port}/rest/1/{SECRET}/") as client,
        pytest.raises(PortalUnreachable, match="refused"),
    ):
        client.call("profile")


@pytest.mark.parametrize("sent", [0, 60, len(OK) - 4], ids=["no byte", "in the head", "in the body"])
def test_2_a_broken_connection_is_repeated(sent: int) -> None:
    """The connection is reset before the answer is whole: the whole call is made again."""

    def talk(connection: socket.socket, number: int) -> None:
        connection.recv(65536)
        if number == 1:
            connection.sendall(OK[:sent])
            reset(connection)
        else:
            connection.sendall(OK)

    with raw_server(talk) as (webhook, count), client_to(webhook) as client:
        assert client.call("profile").result == "yes"
        assert len(count) == 2


def test_3_an_answer_that_never_comes() -> None:
    """The read times out, is repeated once, and then is an error that says so."""
    with (
        raw_server(lambda connection, _: time.sleep(5)) as (webhook, count),
        client_to(webhook) as client,
    ):
        with pytest.raises(PortalTimeout, match="no complete answer in time"):
            client.call("profile")
        assert len(count) == 2


def test_3_and_13_a_list_goes_on_with_smaller_batches() -> None:
    """A portal that is too slow for large batches is read by smaller ones, completely."""
    portal = ScriptedPortal(list(range(1, 1001)))
    answer = portal.answer

    def slow_when_large(path: str, content: bytes) -> Reply:
        if content.count(b"crm.deal.list") > 7:
            time.sleep(0.6)
        return answer(path, content)

    portal.answer = slow_when_large  # type: ignore[method-assign]
    with portal.serve() as webhook, client_to(webhook) as client:
        chunks = read_list(client, ListQuery("crm.deal.list", ("ID",)), first_pages=3)
        rows = [int(row["ID"]) for chunk in chunks for piece in chunk.pieces for row in piece.rows]
    assert sorted(rows) == list(range(1, 1001))


@pytest.mark.parametrize("from_byte", [0, 80], ids=["head", "body"])
def test_4_one_byte_at_a_time_meets_the_deadline(from_byte: int) -> None:
    """Each read is quick, the whole answer is not: the request's deadline ends it."""

    def talk(connection: socket.socket, _: int) -> None:
        connection.recv(65536)
        long_head = OK.replace(b"Connection: close", b"X-Padding: " + b"p" * 800)
        connection.sendall(long_head[:from_byte])
        for byte in long_head[from_byte:]:
            connection.sendall(bytes([byte]))
            time.sleep(0.02)

    with raw_server(talk) as (webhook, _), client_to(webhook) as client:
        started = time.monotonic()
        with pytest.raises(PortalTimeout):
            client.call("profile")
        assert time.monotonic() - started < 5


def _certificate(folder: Path, host: str, days_valid: int) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=100))
        .not_valid_after(now + datetime.timedelta(days=days_valid))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    both = folder / "both.pem"
    both.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context


@pytest.mark.parametrize(("host", "days"), [("localhost", 10), ("localhost", -10), ("other.example", 10)])
def test_5_a_bad_certificate_stops_at_once(tmp_path: Path, host: str, days: int) -> None:
    """Self-signed, expired, of another host: one attempt, no downgrade, nothing of ours sent."""
    heard: list[bytes] = []
    tls = _certificate(tmp_path, host, days)
    with raw_server(lambda stream, _: heard.append(stream.recv(65536)), tls) as (webhook, count):
        with (
            client_to(webhook.replace("127.0.0.1", "localhost")) as client,
            pytest.raises(CertificateRefused, match="certificate") as caught,
        ):
            client.call("profile")
        assert len(count) == 1
    assert heard in ([], [b""])
    assert SECRET not in str(caught.value)


def test_5_plain_http_where_tls_is_expected() -> None:
    """A server that speaks no TLS is not talked to in clear."""
    with (
        raw_server(lambda connection, _: connection.sendall(OK)) as (webhook, _),
        client_to(webhook.replace("http:", "https:")) as client,
        pytest.raises(PortalUnreachable, match="TLS"),
    ):
        client.call("profile")


@pytest.mark.parametrize("target", ["http://127.0.0.1:{port}", "http://169.254.169.254/latest"])
def test_6_and_7_a_redirect_is_reported_and_never_followed(target: str) -> None:
    """A 302 names the new host for whoever decides; nothing is sent there, least of all the secret."""
    elsewhere = ScriptedPortal()
    with elsewhere.serve() as other, ScriptedPortal().serve():
        location = target.format(port=other.split(":")[2].split("/")[0])
        portal = ScriptedPortal()
        portal.script.append(
            Reply(302, b"<html>", "text/html", {"Location": f"{location}/rest/1/{SECRET}/x"})
        )
        with portal.serve() as webhook, client_to(webhook) as client:
            with pytest.raises(PortalMoved) as caught:
                client.call("profile")
            assert client.usage.requests == 1
    assert caught.value.location_host in ("127.0.0.1", "169.254.169.254")
    assert SECRET not in str(caught.value)
    assert elsewhere.log == []


def test_52_a_name_that_leads_into_our_network_is_refused_when_connecting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rebinding: the name was fine when it was read, its address is private when we connect."""
    asked: list[str] = []

    def resolve(host: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with (
        client_to(f"https://acme.bitrix24.com/rest/1/{SECRET}/") as client,
        pytest.raises(AddressRefused, match="B24_ALLOWED_PORTALS"),
    ):
        client.call("profile")
    assert asked == ["acme.bitrix24.com"]


def test_nothing_secret_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Whole URLs are what httpx logs at INFO; with us it does not."""
    caplog.set_level(logging.INFO)
    portal = ScriptedPortal()
    portal.methods["profile"] = lambda params: {"ID": "1"}
    with portal.serve() as webhook, client_to(webhook) as client:
        client.call("profile")
    assert SECRET not in caplog.text


def test_closing_the_client_ends_what_still_waits() -> None:
    """A thread that waits for an answer does not keep the process from ending."""
    failures: list[Exception] = []

    def wait_for_ever() -> None:
        try:
            client.call("profile")
        except Exception as error:
            failures.append(error)

    with raw_server(lambda connection, _: time.sleep(20)) as (webhook, count):
        client = client_to(webhook, Timeouts())
        thread = threading.Thread(target=wait_for_ever, daemon=True)
        thread.start()
        while not count:
            time.sleep(0.01)
        time.sleep(0.1)
        client.close()
        thread.join(timeout=2)
        assert not thread.is_alive()
        assert len(failures) == 1
