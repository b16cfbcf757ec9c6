"""Each request has an id: in the header of its answer, and in every line that it leaves in the log."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from b24_pipeline.log import set_up_logs
from tests.integration.web.conftest import Service

OURS = re.compile(r"[0-9a-f]{16}")


def lines(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The lines of the log; the last is written after the answer."""
    time.sleep(0.3)
    return [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]


def test_lines_of_a_request_carry_its_id(service: Service, capfd: pytest.CaptureFixture[str]) -> None:
    """Also the traceback of a fault, which a handler in a thread has met; the next request has another one."""
    set_up_logs(as_json=True)
    answers = [service.client.get("/broken") for _ in range(2)]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert all(OURS.fullmatch(each) for each in ids)
    assert ids[0] != ids[1]
    found = [(line["event"], line["request"]) for line in lines(capfd)]
    assert found == [(event, each) for each in ids for event in ("failed", "request")]


@pytest.mark.parametrize(
    "path", ["/healthz", "/nothing", "/metrics", "/webhooks/bitrix24", "/static/style.css"]
)
def test_every_answer_has_one(service: Service, path: str) -> None:
    """Whatever answers, and however."""
    answer = service.client.get(path)
    assert OURS.fullmatch(answer.headers["x-request-id"])


@pytest.mark.parametrize("given", ["abc-123", "4bf92f3577b34da6a3ce929d0e0e4736", "a.b_c", "x" * 64])
def test_the_id_of_a_proxy_is_taken(service: Service, given: str, capfd: pytest.CaptureFixture[str]) -> None:
    """So that its log and ours can be laid beside each other."""
    set_up_logs(as_json=True)
    answer = service.client.get("/nothing", headers={"X-Request-Id": given})
    assert answer.headers["x-request-id"] == given
    assert [line["request"] for line in lines(capfd)] == [given]


@pytest.mark.parametrize(
    "given", ["", "x" * 65, "a b", "a=b", '"', "<script>", "é", "a,b", "a;b", "\\u001b[31m"]
)
def test_what_may_do_harm_is_not(service: Service, given: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Long ones, and whatever could forge a line or a field: the request gets one of ours."""
    set_up_logs(as_json=True)
    answer = service.client.get("/nothing", headers={b"X-Request-Id": given.encode("latin-1")})
    assert OURS.fullmatch(answer.headers["x-request-id"])
    assert [line["request"] for line in lines(capfd)] == [answer.headers["x-request-id"]]


def test_two_ids_are_none(service: Service) -> None:
    """Who has sent which cannot be told."""
    answer = service.client.get("/nothing", headers=[("X-Request-Id", "one"), ("X-Request-Id", "two")])
    assert OURS.fullmatch(answer.headers["x-request-id"])
