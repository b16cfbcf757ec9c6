"""Portals are worked on side by side, and one that is silent is in nobody's way."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Lock
from threading import enumerate as enumerate_threads
from time import monotonic

import pytest

from b24_pipeline.errors import WorkStopped
from b24_pipeline.sandbox import Fault, Sandbox, SandboxConfig
from b24_pipeline.sync import parallel
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.parallel import PortalPool, each_portal
from tests.support.installation import Installation

PATIENCE_SECONDS = 30.0


def pool_of(installation: Installation, work: Callable[[Job], str]) -> PortalPool[str]:
    return PortalPool(installation.connections, Options(), work, lambda portal, error: f"failed: {error}")


def test_a_silent_portal_gives_up_its_place(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one place, the portals behind one that hangs are worked on while it hangs."""
    monkeypatch.setattr(parallel, "PORTALS_AT_ONCE", 1)
    monkeypatch.setattr(parallel, "SILENT_SECONDS", 0.3)
    monkeypatch.setattr(parallel, "LOOK_SECONDS", 0.1)
    goes_on = Event()

    def work(job: Job) -> str:
        if job.portal.name == "hangs":
            goes_on.wait(PATIENCE_SECONDS)
        return f"{job.portal.name} is done"

    with pool_of(installation, work) as pool:
        for name in ("hangs", "one", "two"):
            pool.add(installation.add(f"https://{name}.bitrix24.ru/rest/1/secretsecret/", name))
        done = [pool.ended(PATIENCE_SECONDS)[0][1] for _ in range(2)]
        assert done == ["one is done", "two is done"]
        assert pool.has_silent
        assert [portal.name for portal in pool.unfinished] == ["hangs"]
        assert pool.ended(0.1) == []
        goes_on.set()
        assert [result for _, result in pool.ended(PATIENCE_SECONDS)] == ["hangs is done"]


def test_an_interrupted_pool_waits_for_no_portal(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A portal hangs; whoever is interrupted leaves, and the call to the portal ends as stopped."""
    monkeypatch.setattr(parallel, "STOP_SECONDS", 1.0)
    ended: list[Exception] = []

    def work(job: Job) -> str:
        try:
            job.client.call("profile")
        except WorkStopped as error:
            ended.append(error)
            raise
        return "answered"

    with Sandbox(SandboxConfig(leads=1, deals=1)) as sandbox:
        sandbox.faults.add(Fault("delay", seconds=8.0))
        portal = installation.add(sandbox.webhook_url, "hangs")
        began = monotonic()
        with pytest.raises(KeyboardInterrupt), pool_of(installation, work) as pool:
            pool.add(portal)
            pool.ended(1.0)
            raise KeyboardInterrupt
        assert monotonic() - began < 6
        for thread in enumerate_threads():
            if thread.name.startswith("ThreadPoolExecutor"):
                thread.join(PATIENCE_SECONDS)
    assert len(ended) == 1


def test_no_more_portals_answer_at_a_time_than_there_are_places(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Results come in the order asked for; what fails in one of them is its own result."""
    monkeypatch.setattr(parallel, "PORTALS_AT_ONCE", 2)
    lock, busy, most = Lock(), 0, 0

    def work(job: Job) -> str:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        Event().wait(0.05)
        with lock:
            busy -= 1
        if job.portal.name == "p3":
            raise RuntimeError("a fault of ours")
        return job.portal.name

    portals = [installation.add(f"https://p{n}.bitrix24.ru/rest/1/secretsecret/", f"p{n}") for n in range(6)]
    results = each_portal(
        installation.connections, portals, Options(), work, lambda portal, error: type(error).__name__
    )
    assert results == ["p0", "p1", "p2", "InternalError", "p4", "p5"]
    assert most == 2
