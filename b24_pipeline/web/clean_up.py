"""What the service deletes by itself while it runs: files that nobody has loaded, and sessions that are over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from b24_pipeline.errors import DatabaseError
from b24_pipeline.log import logger

EVERY_SECONDS = 300.0
"""So a file is there for at most so much longer than it may be loaded."""


@asynccontextmanager
async def cleaning(delete_old: Callable[[], None]) -> AsyncIterator[None]:
    """Calls `delete_old` in a thread now and every EVERY_SECONDS, as long as the block lasts."""
    task = asyncio.create_task(_clean(delete_old))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _clean(delete_old: Callable[[], None]) -> None:
    while True:
        try:
            await asyncio.to_thread(delete_old)
        except DatabaseError as error:  # it may be away for a while: the next time will do
            logger("clean-up").warning("nothing was deleted", error=str(error))
        await asyncio.sleep(EVERY_SECONDS)
