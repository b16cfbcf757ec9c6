"""The health checks: whether the process is alive, and whether it can use the database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from b24_pipeline.errors import B24Error
from b24_pipeline.log import logger
from b24_pipeline.web.problems import UNAVAILABLE

_log = logger(__name__)
PATIENCE_SECONDS = 3.0
# anybody may ask, so asking often must not cost the database anything
REMEMBERED_SECONDS = 1.0


class Alive(BaseModel):
    """The answer of a process that is alive."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Whether events can be landed and calls answered."""

    status: Literal["ready", "not_ready"]
    database: Literal["ok", "unavailable"]


_UNREADY: dict[int | str, dict[str, Any]] = {
    UNAVAILABLE: {"model": Readiness, "description": "The database cannot be used."}
}


class Health:
    """The calls `/healthz` and `/readyz`. `check_database` raises B24Error where the database cannot be used."""

    def __init__(self, check_database: Callable[[], object]) -> None:
        self._check_database = check_database
        self._asking: asyncio.Task[bool] | None = None
        self._known = (float("-inf"), False)

    def router(self) -> APIRouter:
        """The router with both calls, each also for HEAD."""
        routes = APIRouter(tags=["health"])
        routes.add_api_route("/healthz", self.alive)
        routes.add_api_route("/readyz", self.ready, response_model=Readiness, responses=_UNREADY)
        for path, answer in (("/healthz", self.alive), ("/readyz", self.ready)):  # as some monitors ask
            routes.add_api_route(path, answer, methods=["HEAD"], include_in_schema=False, response_model=None)
        return routes

    async def alive(self) -> Alive:
        """Answers while the process is alive; nothing else is checked."""
        return Alive()

    async def ready(self) -> JSONResponse:
        """Answers 200 where the database can be used, else 503."""
        usable = await self._usable()
        found = Readiness(
            status="ready" if usable else "not_ready", database="ok" if usable else "unavailable"
        )
        return JSONResponse(found.model_dump(), 200 if usable else UNAVAILABLE)

    async def _usable(self) -> bool:
        moment, known = self._known
        if time.monotonic() - moment < REMEMBERED_SECONDS:
            return known
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        try:
            # while a check hangs no second check is begun
            return await asyncio.wait_for(asyncio.shield(self._asking), PATIENCE_SECONDS)
        except TimeoutError:
            return False

    async def _ask(self) -> bool:
        try:
            await asyncio.to_thread(self._check_database)
        except B24Error as error:
            _log.warning("not ready", error=str(error))
            usable = False
        else:
            usable = True
        self._known = (time.monotonic(), usable)
        return usable
