"""Checks of a removal: shared among events, seldom, and never older than the event that asks."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest

from b24_pipeline.web.events import removal_checks
from b24_pipeline.web.events.removal_checks import RemovalChecks

PAUSE = 0.2


@pytest.fixture(autouse=True)
def short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal_checks, "PAUSE_SECONDS", PAUSE)


class Portal:
    """Answers whether the application is gone, after a while; remembers when it was asked."""

    def __init__(self) -> None:
        self.removed = False
        self.asked: list[float] = []

    async def __call__(self, _account: UUID) -> bool:
        self.asked.append(asyncio.get_running_loop().time())
        removed = self.removed
        await asyncio.sleep(PAUSE / 4)
        return removed


def test_a_flood_is_asked_about_seldom() -> None:
    """All that come together share one check, those during it the next, which waits for the pause."""
    portal = Portal()

    async def flood() -> list[bool]:
        checks, account = RemovalChecks(portal), uuid4()
        waves = []
        for _ in range(4):
            waves += [asyncio.create_task(checks.is_removed(account)) for _ in range(50)]
            await asyncio.sleep(PAUSE / 8)
        return await asyncio.gather(*waves)

    assert asyncio.run(flood()) == [False] * 200
    assert len(portal.asked) == 2
    assert portal.asked[1] - portal.asked[0] >= PAUSE * 0.9


def test_a_real_removal_is_not_missed_by_a_forged_one_before() -> None:
    """Its check begins after it came, however lately another was answered."""
    portal = Portal()

    async def told_after_a_lie() -> tuple[bool, bool]:
        checks, account = RemovalChecks(portal), uuid4()
        forged = asyncio.create_task(checks.is_removed(account))
        await asyncio.sleep(PAUSE / 8)  # its check is under way
        portal.removed = True
        real = asyncio.create_task(checks.is_removed(account))
        return await forged, await real

    assert asyncio.run(told_after_a_lie()) == (False, True)


def test_portals_do_not_wait_for_one_another() -> None:
    """The pause is each account's own."""
    portal = Portal()

    async def two() -> float:
        checks, loop = RemovalChecks(portal), asyncio.get_running_loop()
        started = loop.time()
        await asyncio.gather(*(checks.is_removed(uuid4()) for _ in range(10)))
        return loop.time() - started

    assert asyncio.run(two()) < PAUSE
    assert len(portal.asked) == 10


def test_an_error_of_one_check_does_not_end_the_next() -> None:
    """A portal that could not be asked is asked again."""
    failing = [True]

    async def check(_account: UUID) -> bool:
        if failing.pop() if failing else False:
            raise TimeoutError
        return True

    async def twice() -> bool:
        checks, account = RemovalChecks(check), uuid4()
        with pytest.raises(TimeoutError):
            await checks.is_removed(account)
        return await checks.is_removed(account)

    assert asyncio.run(twice())
