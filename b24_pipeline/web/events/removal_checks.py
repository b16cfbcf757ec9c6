"""Checks of whether an application was really removed: few a portal, and none that began before the event came."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

PAUSE_SECONDS = 2.0
"""Between two checks of one portal: each costs a request of its budget, and one sender can send many events."""

Ask = Callable[[UUID], Awaitable[bool]]


class RemovalChecks:
    """Shares checks among events; all calls are made in one event loop. `check` asks about an account."""

    def __init__(self, check: Ask) -> None:
        self._check = check
        self._next: dict[UUID, asyncio.Task[bool]] = {}
        self._turns: dict[UUID, asyncio.Lock] = {}
        self._checked_at: dict[UUID, float] = {}

    async def is_removed(self, account: UUID) -> bool:
        """The answer of a check that begins after this call, so that a real removal is never missed by a pause."""
        if account not in self._next:
            self._next[account] = asyncio.create_task(self._in_turn(account))
        return await asyncio.shield(self._next[account])

    async def _in_turn(self, account: UUID) -> bool:
        loop = asyncio.get_running_loop()
        async with self._turns.setdefault(account, asyncio.Lock()):
            due = self._checked_at.get(account, -PAUSE_SECONDS) + PAUSE_SECONDS
            await asyncio.sleep(max(0.0, due - loop.time()))
            # whoever comes from now on waits for the check after this one
            del self._next[account]
            self._checked_at[account] = loop.time()
            return await self._check(account)
