"""Routes behind the management key, and models whose JSON is in camelCase."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from b24_pipeline.web.middleware.security import Guard, key_of
from b24_pipeline.web.problems import Problem

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem} for status in (400, 401, 404, 409, 413, 422, 503)
}


class CamelModel(BaseModel):
    """A model with snake_case names in Python and camelCase names in JSON."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


def management_routes(tag: str, guard: Guard) -> APIRouter:
    """A router under `/bitrix24` whose every call asks the guard first: before the body is read, and before anything
    of the request is judged, so that whoever has no key learns nothing and costs nothing.
    """
    return APIRouter(
        prefix="/bitrix24",
        tags=[tag],
        dependencies=[Depends(guard)],  # for the OpenAPI: the route below has asked before
        responses=_PROBLEMS,
        route_class=_asking_first(guard),
    )


def _asking_first(guard: Guard) -> type[APIRoute]:
    class GuardedRoute(APIRoute):
        """A route that FastAPI handles only with the key: it would read and parse the body before its dependencies."""

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def guarded(request: Request) -> Response:
                guard(await key_of(request))
                return await handle(request)

            return guarded

    return GuardedRoute
