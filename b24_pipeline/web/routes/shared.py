"""What all management calls share: the portal that is meant, the key, the names, the errors."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from b24_pipeline.errors import AccountNeeded, UnknownPortal
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.web.middleware.security import Guard
from b24_pipeline.web.problems import Problem

Account = Annotated[
    str | None, Query(max_length=63, description="The portal's name; needed where several are connected.")
]
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem} for status in (400, 401, 404, 409, 413, 422, 503)
}


class Camel(BaseModel):
    """camelCase outside, snake_case inside."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


def management_routes(tag: str, guard: Guard) -> APIRouter:
    """Routes under `/bitrix24` that the guard stands before."""
    return APIRouter(prefix="/bitrix24", tags=[tag], dependencies=[Depends(guard)], responses=_PROBLEMS)


def chosen(portals: Portals, account: str | None) -> Portal:
    """The named portal, or the only one. Raises UnknownPortal and AccountNeeded."""
    known = {portal.name: portal for portal in portals.all()}
    if account is not None:
        if account not in known:
            raise UnknownPortal(account, known)
        return known[account]
    active = [portal for portal in known.values() if portal.status != "disconnected"]
    candidates = active or list(known.values())
    if not candidates:
        raise UnknownPortal("", known)
    if len(candidates) > 1:
        raise AccountNeeded
    return candidates[0]
