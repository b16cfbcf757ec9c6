"""The page of a portal's stages, with the flags by which leads and deals are counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from b24_pipeline.errors import FlagsContradict, UnknownStage, UsageError
from b24_pipeline.store.crm.stage_flags import Flags, Stage, StageFlags
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.figures.flags_preview import FlagsPreview, preview_flags
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.web.frame.page_frame import PageFrame, PortalFrame, PortalInPath
from b24_pipeline.web.frame.signed_in import SignedIn
from b24_pipeline.web.problems import answer_to

FLAGS = ("is_qualified", "is_success", "is_fail")
Ticks = Annotated[list[str] | None, Form()]
"""Flags of stages, each as the stage's id, a colon, and one of FLAGS."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What ticks would change: the stages whose flags differ, and the figures of leads or deals; None without any."""

    entity_type: str
    stages: Sequence[Stage]
    figures: FlagsPreview | None


class StagesPage:
    """The routes `/p/{portal}/stages...`: the flags are shown, tried and set, of all stages together."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._flags = StageFlags(warehouse)

    def router(self, signed_in: SignedIn) -> APIRouter:
        """The page and its forms."""
        routes = signed_in.routes()
        routes.add_api_route("/p/{portal}/stages", self.stages)
        routes.add_api_route("/p/{portal}/stages/preview", self.preview, methods=["POST"])
        routes.add_api_route("/p/{portal}/stages", self.save, methods=["POST"])
        return routes

    def stages(self, portal: PortalInPath, frame: PortalFrame) -> HTMLResponse:
        """Pipelines and stages in the portal's order and colours."""
        return self._page(frame, portal)

    def preview(
        self, portal: PortalInPath, frame: PortalFrame, flag: Ticks = None, was: Ticks = None
    ) -> HTMLResponse:
        """What all the ticks would change in numbers; nothing is saved. `was`: the flags that the form began with."""
        known = {stage.id: stage for stage in self._flags.stages(portal.id)}
        wanted = _wanted(flag, was, known)
        if any(_is_both(flags.over(known[stage])) for stage, flags in wanted.items()):
            return self._page(
                frame, portal, wanted, status=422, problem=answer_to(FlagsContradict()), is_open=True
            )
        return self._page(frame, portal, wanted, tried=self._tried(portal, wanted, known), is_open=True)

    def save(
        self, portal: PortalInPath, frame: PortalFrame, flag: Ticks = None, was: Ticks = None
    ) -> Response:
        """Sets the flags that differ from what the form began with; every sync keeps them."""
        wanted = _wanted(flag, was, {stage.id: stage for stage in self._flags.stages(portal.id)})
        try:
            self._flags.set_all(portal.id, wanted)
        except FlagsContradict as error:
            return self._page(frame, portal, wanted, status=422, problem=answer_to(error), is_open=True)
        return RedirectResponse(frame.address("stages", saved="yes"), 303)

    def _tried(
        self, portal: Portal, wanted: Mapping[UUID, Flags], known: Mapping[UUID, Stage]
    ) -> list[Trial]:
        of_type: dict[str, dict[UUID, Flags]] = defaultdict(dict)
        for stage, flags in wanted.items():
            of_type[known[stage].entity_type][stage] = flags
        with self._warehouse.connect() as connection:
            return [
                Trial(
                    entity_type,
                    [known[stage] for stage in changed],
                    preview_flags(connection, portal.id, entity_type, changed),
                )
                for entity_type, changed in of_type.items()
            ]

    def _page(
        self,
        frame: PageFrame,
        portal: Portal,
        wanted: Mapping[UUID, Flags] | None = None,
        *,
        status: int = 200,
        **values: Any,
    ) -> HTMLResponse:
        stages = self._flags.stages(portal.id)
        return frame.page(
            "stages.html",
            status=status,
            pipelines=_pipelines(stages),
            ticks={stage.id: (wanted or {}).get(stage.id, Flags()).over(stage) for stage in stages},
            changed=set(wanted or ()),
            **{"problem": None, "tried": [], "is_open": False} | values,
        )


def _wanted(
    flag: Iterable[str] | None, was: Iterable[str] | None, known: Mapping[UUID, Stage]
) -> dict[UUID, Flags]:
    """The flags that a person has ticked or unticked, by stage in the order of the page. Raises UnknownStage."""
    ticked, before = set(flag or ()), set(was or ())
    changed: dict[UUID, dict[str, bool]] = defaultdict(dict)
    for code in ticked ^ before:
        stage, name = _flag_of(code)
        if stage not in known:
            raise UnknownStage(stage)
        changed[stage][name] = code in ticked
    return {one: Flags(**changed[one]) for one in known if one in changed}


def _flag_of(code: str) -> tuple[UUID, str]:
    stage, _, name = code.partition(":")
    try:
        found = UUID(stage)
    except ValueError:
        name = ""
    if name not in FLAGS:
        raise UsageError("expected flags of stages, as the page has them").of_case("unreadable_form")
    return found, name


def _is_both(flags: Flags) -> bool:
    return bool(flags.is_success and flags.is_fail)


def _pipelines(stages: Sequence[Stage]) -> list[tuple[Stage, list[Stage]]]:
    """The stages of each pipeline, with the first of them."""
    groups = groupby(stages, lambda stage: (stage.entity_type, stage.category_id))
    found = [list(inside) for _, inside in groups]
    return [(inside[0], inside) for inside in found]
