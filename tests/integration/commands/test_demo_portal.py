"""The portal of `b24 demo` is a process of its own, which may die."""

from __future__ import annotations

import time

import httpx
import pytest

from b24_pipeline.commands import demo_portal as module
from b24_pipeline.commands.demo_portal import demo_portal
from b24_pipeline.errors import B24Error


def test_a_portal_that_died_is_noticed() -> None:
    """Nothing would change any more, and nobody would know why."""
    with demo_portal(1, 1, 1, "http://127.0.0.1:8024/bitrix24/callback") as portal:
        portal.raise_if_ended()
        portal.process.kill()
        portal.process.wait(10)
        with pytest.raises(B24Error, match=r"ended by itself \(-9\).*`b24 demo`"):
            portal.raise_if_ended()


def test_people_work_in_it_and_there_is_something_to_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once it is let change, moves come; invoices, quotes and smart processes are there from its beginning."""
    monkeypatch.setattr(module, "CHANGE_SECONDS", 0.02)
    with demo_portal(30, 30, 1, "http://127.0.0.1:8024/bitrix24/callback") as portal:

        def true_of(subject: str) -> list[dict[str, object]]:
            answer = httpx.get(f"{portal.url}/sandbox/truth/{subject}", trust_env=False)
            return list(answer.raise_for_status().json()["result"])

        def moves() -> int:
            return len(true_of("lead/history")) + len(true_of("deal/history"))

        assert true_of("smart_invoice") and true_of("quote")
        assert len(true_of("types")) == 2
        before, deadline = moves(), time.monotonic() + 20
        with portal.changing() as begin:
            begin()
            while moves() < before + 10:
                assert time.monotonic() < deadline
                time.sleep(0.05)
