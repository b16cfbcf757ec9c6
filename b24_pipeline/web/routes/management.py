"""Routes behind a key, and models whose JSON is in camelCase."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine
from contextlib import nullcontext
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from b24_pipeline.store.access.holder import AccessRole
from b24_pipeline.store.database.acting import acting
from b24_pipeline.web.guard import Guard, given_key, key_of
from b24_pipeline.web.problems import Problem

PREFIX = "/bitrix24"
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem} for status in (400, 401, 403, 404, 409, 413, 422, 429, 503)
}


class CamelModel(BaseModel):
    """A model with snake_case names in Python and camelCase names in JSON."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


def management_routes(tag: str, guard: Guard, admin: Collection[str] = ()) -> APIRouter:
    """A router under `/bitrix24` whose every call asks the guard first: before the body is read, and before anything
    of the request is judged, so that whoever has no key learns nothing and costs nothing.

    A viewer may read, a manager change something; the paths in `admin` are for admins. Whose key it was
    is `request.state.holder` from then on, and the audit says so of what they change.
    """
    return APIRouter(
        prefix=PREFIX,
        tags=[tag],
        dependencies=[given_key],  # for the OpenAPI: the route below has asked before
        responses=_PROBLEMS,
        route_class=_asking_first(guard, {PREFIX + path for path in admin}),
    )


def _asking_first(guard: Guard, admin: Collection[str]) -> type[APIRoute]:
    class GuardedRoute(APIRoute):
        """A route that FastAPI handles only with the key: it would read and parse the body before its dependencies."""

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()
            needed = _needed(self, admin)

            async def guarded(request: Request) -> Response:
                given = await key_of(request)
                holder = await run_in_threadpool(guard.holder, request.scope, given, needed)
                request.state.holder = holder
                with acting(holder.name) if needed != "viewer" else nullcontext():
                    return await handle(request)

            return guarded

    return GuardedRoute


def _needed(route: APIRoute, admin: Collection[str]) -> AccessRole:
    if route.path in admin:
        return "admin"
    return "viewer" if set(route.methods or ()) <= {"GET", "HEAD"} else "manager"
