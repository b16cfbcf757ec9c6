"""Routes behind the management key, and models whose JSON is in camelCase."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from b24_pipeline.web.middleware.security import Guard
from b24_pipeline.web.problems import Problem

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem} for status in (400, 401, 404, 409, 413, 422, 503)
}


class CamelModel(BaseModel):
    """A model with snake_case names in Python and camelCase names in JSON."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


def management_routes(tag: str, guard: Guard) -> APIRouter:
    """A router under `/bitrix24` whose every call asks the guard first."""
    return APIRouter(prefix="/bitrix24", tags=[tag], dependencies=[Depends(guard)], responses=_PROBLEMS)
