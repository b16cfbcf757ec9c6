"""Headers, limits, logs and the last resort, over real sockets."""

from __future__ import annotations

import re
import time
from collections import Counter

import httpx
import pytest

from b24_pipeline.errors import DatabaseUnavailable
from b24_pipeline.log import set_up_logs
from b24_pipeline.web.assembly import assemble
from b24_pipeline.web.body_limit import LARGEST_BODY
from b24_pipeline.web.connections import ConnectionLimits
from tests.integration.web.conftest import Service
from tests.support.servers.web_service import CANARY, INVITATION, parts_of, raw_answer, served

ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
}


@pytest.mark.parametrize(
    "path",
    [
        "/bitrix24/connect",
        "/bitrix24/status",
        "/healthz",
        "/metrics",
        "/docs",
        "/nothing",
        "/broken",
        "/static/style.css",
    ],
)
def test_every_answer_is_protected(service: Service, path: str) -> None:
    """Whatever is answered, errors and the last resort included, has the headers; the server is not named."""
    answer = service.client.get(path)
    assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "server" not in answer.headers


def test_the_last_resort_tells_nothing(service: Service, capfd: pytest.CaptureFixture[str]) -> None:
    """An error that nobody expected is a plain 500; the log has it, its secret masked."""
    set_up_logs()  # again: to the captured stderr
    answer = service.client.get("/broken", params={"secret": CANARY})
    assert answer.status_code == 500
    assert answer.json() == {
        "error": "internal",
        "message": "an internal error; the log of the service has the details",
    }
    written = capfd.readouterr()
    assert "RuntimeError" in written.err
    assert CANARY not in written.err + written.out


def test_the_access_log_has_no_query(service: Service, capfd: pytest.CaptureFixture[str]) -> None:
    """Codes and states travel in queries; line breaks of a path stay encoded; probes leave no line."""
    set_up_logs()  # again: to the captured stderr
    service.client.get(f"/bitrix24/callback?code={CANARY}&state={CANARY}")
    service.client.get("/nothing%0d%0aforged")
    service.client.get("/healthz")
    time.sleep(0.3)  # the line is written after the answer
    written = capfd.readouterr().err
    lines = [line for line in written.splitlines() if " request " in line]
    assert len(lines) == 2
    assert "path=/bitrix24/callback" in lines[0]
    assert "status=200" in lines[0]
    assert "%0d%0aforged" in lines[1]
    assert CANARY not in written


def test_a_body_may_have_64_kib(service: Service) -> None:
    """One byte more is 413, whether it was announced or came in chunks."""
    fits = service.client.post("/echo", content=b"a" * LARGEST_BODY)
    assert fits.json() == {"bytes": LARGEST_BODY}
    announced = service.client.post("/echo", content=b"a" * (LARGEST_BODY + 1))
    chunked = service.client.post("/echo", content=iter([b"a" * 1024] * 65))
    for refused in (announced, chunked):
        assert (refused.status_code, refused.json()["error"]) == (413, "too_large")


def test_fifty_megabytes_are_refused_unread(service: Service) -> None:
    """The announcement is enough, and the connection is closed."""
    head = b"POST /webhooks/bitrix24 HTTP/1.1\r\nHost: x\r\nContent-Length: 52428800\r\n\r\n"
    started = time.monotonic()
    answer = raw_answer(service.address, head)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert time.monotonic() - started < 5


def test_a_slow_body_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that does not come within its time is 400, and frees the connection."""
    monkeypatch.setattr("b24_pipeline.web.body_limit.SLOWEST_BODY_SECONDS", 0.3)
    app = assemble(parts_of())

    @app.post("/counted")
    async def counted(body: dict[str, str]) -> int:
        return len(body)

    with served(app) as address:
        head = b"POST /counted HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"
        answer = raw_answer(address, head, b"{")
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_a_slow_head_is_given_up() -> None:
    """A request that never ends, and the second one of a connection."""
    whole = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with served(assemble(parts_of()), limits=ConnectionLimits(head_seconds=0.3)) as address:
        for pieces in ((b"GET /healthz HTTP/1.1\r\nHo",), (whole, b"GET /heal")):
            started = time.monotonic()
            answer = raw_answer(address, *pieces)
            assert b"HTTP/1.1 400 " in answer
            assert time.monotonic() - started < 5
        assert httpx.get(f"{address}/healthz").status_code == 200


def test_a_head_of_megabytes_is_refused(service: Service) -> None:
    """Its size is bounded while it comes."""
    pieces = [b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ", *([b"a" * 65536] * 80)]
    answer = raw_answer(service.address, *pieces)
    assert answer in (b"",) or answer.startswith(b"HTTP/1.1 400 ")
    assert service.client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"POST /webhooks/bitrix24 HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /webhooks/bitrix24 HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused(service: Service, request_bytes: bytes) -> None:
    """Garbage and requests of two meanings get 400, never 500."""
    assert raw_answer(service.address, request_bytes).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("host", [b"", b"[", b"a:b:c", b"x" * 300, b"\xff"])
def test_any_host_header_is_survived(service: Service, host: bytes) -> None:
    """The host decides about the cookie; what is no host breaks nothing."""
    head = (
        b"GET /bitrix24/auth?domain=acme.bitrix24.com&invitation=%s HTTP/1.1\r\n"
        b"Connection: close\r\nHost: %s\r\n\r\n" % (INVITATION.encode(), host)
    )
    assert raw_answer(service.address, head).split(b" ")[1] in (b"302", b"400")


def test_liveness_asks_nothing_and_readiness_the_database() -> None:
    """/healthz is 200 whatever happens; /readyz is 503 while the database is away, quickly, and says no place."""
    down = {"now": True}

    def look() -> None:
        if down["now"]:
            raise DatabaseUnavailable("the database at db.internal refused")

    with served(assemble(parts_of(check_database=look))) as address:
        assert httpx.get(f"{address}/healthz").json() == {"status": "ok"}
        assert httpx.head(f"{address}/healthz").status_code == 200
        away = httpx.get(f"{address}/readyz")
        assert (away.status_code, away.json()) == (503, {"status": "not_ready", "database": "unavailable"})
        down["now"] = False
        time.sleep(1.1)
        assert httpx.get(f"{address}/readyz").json() == {"status": "ready", "database": "ok"}


def test_a_database_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """/readyz answers within its patience, and many who ask share one look."""
    monkeypatch.setattr("b24_pipeline.web.routes.health.PATIENCE_SECONDS", 0.2)
    looks: list[float] = []

    def look() -> None:
        looks.append(time.monotonic())
        time.sleep(2)

    with served(assemble(parts_of(check_database=look))) as address:
        for _ in range(3):
            assert httpx.get(f"{address}/readyz").status_code == 503
    assert len(looks) == 1


def requests_counted(service: Service) -> Counter[str]:
    """What /metrics says of the requests so far, by their labels."""
    found = re.findall(r"b24_http_requests_total({.*?}) ([\d.]+)", service.client.get("/metrics").text)
    return Counter({labels: int(float(count)) for labels, count in found})


def test_metrics_count_requests_by_route(service: Service) -> None:
    """Prometheus text; unknown paths and methods share one label each, so that strangers cannot add series."""
    before = requests_counted(service)
    service.client.get("/bitrix24/callback?code=secret")
    for number in range(5):
        service.client.get(f"/unknown/{number}")
        service.client.request(f"FOO{number}", "/healthz")
    counted = requests_counted(service) - before
    assert counted['{method="GET",route="/bitrix24/callback",status="200"}'] == 1
    assert counted['{method="GET",route="other",status="404"}'] == 5
    text = service.client.get("/metrics")
    assert text.headers["content-type"].startswith("text/plain")
    assert "unknown" not in text.text
    assert "FOO" not in text.text
