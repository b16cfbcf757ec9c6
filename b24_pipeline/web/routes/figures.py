"""The management calls for figures: the funnel of a selection, and what each responsible person has."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BeforeValidator, Field

from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.figures.people import Person, people
from b24_pipeline.store.figures.pipelines import CountedPipeline, require_figures
from b24_pipeline.store.figures.selected_funnel import FunnelDefinition, FunnelFilters, StageFigures, funnel
from b24_pipeline.web.guard import Guard
from b24_pipeline.web.routes.account import ChosenPortal
from b24_pipeline.web.routes.management import CamelModel, management_routes
from b24_pipeline.web.routes.own_lead_counts import written_as_day

WITHOUT_NUL = r"^[^\x00]*$"
"""PostgreSQL keeps no NUL in a text."""
FunnelEntity = Annotated[Literal["lead", "deal"], Query(alias="entityType", description="Whose funnel.")]
FunnelCategory = Annotated[
    int,
    Query(alias="categoryId", ge=0, le=2**63 - 1, description="The pipeline; leads have the one pipeline 0."),
]
_Day = Annotated[date, BeforeValidator(written_as_day)]
First = Annotated[
    _Day | None, Query(alias="dateFrom", description="The first day, in the portal's time zone.")
]
Last = Annotated[_Day | None, Query(alias="dateTo", description="The last day, included.")]


def _filters(
    first: First = None,
    last: Last = None,
    source: Annotated[str | None, Query(alias="sourceId", max_length=255, pattern=WITHOUT_NUL)] = None,
    person: Annotated[int | None, Query(alias="assignedById", ge=0, le=2**63 - 1)] = None,
    campaign: Annotated[str | None, Query(alias="utmCampaign", max_length=255, pattern=WITHOUT_NUL)] = None,
    is_qualified: Annotated[bool | None, Query(alias="isQualified")] = None,
    as_of: Annotated[
        AwareDatetime | None, Query(alias="asOf", description="As it stood at this moment, with a time zone.")
    ] = None,
) -> FunnelFilters:
    return FunnelFilters(first, last, source, person, campaign, is_qualified, as_of)


SelectedBy = Annotated[FunnelFilters, Depends(_filters)]
"""The parameter that has whom a funnel is of, from the address."""


class FunnelStageItem(CamelModel):
    """A stage of a funnel. `reached` by the definition asked for; conversions are shares, from 0 to 1."""

    status_id: str
    status_name: str
    is_deleted: bool
    entered: int = Field(description="All that have entered the pipeline; the same in each stage.")
    reached: int
    qualified: int = Field(description="Those that were really there and are qualified.")
    in_stage: int
    amounts_by_currency: dict[str, Decimal] = Field(
        description="Of those in the stage; XXX: without a currency."
    )
    conversion_from_start: float | None
    conversion_from_previous: float | None
    median_seconds: Decimal | None = Field(description="Of all that have ever left the stage.")


class SelectedFunnel(CamelModel):
    """The stages of a pipeline in its order."""

    stages: list[FunnelStageItem]


class PersonItem(CamelModel):
    """A responsible person of now; null: nobody is."""

    assigned_by_id: int | None
    owner_name: str | None
    department_name: str | None
    open: int
    open_by_currency: dict[str, Decimal]
    won: int
    lost: int
    win_rate: Decimal | None
    won_by_currency: dict[str, Decimal]
    median_days_to_win: Decimal | None


class PeopleList(CamelModel):
    """The persons, who has won most first."""

    people: list[PersonItem]


class FigureCalls:
    """The calls `/bitrix24/funnel-stats` and `/bitrix24/people-stats`; `guard` checks the key."""

    def __init__(self, warehouse: Warehouse, guard: Guard) -> None:
        self._warehouse = warehouse
        self._guard = guard

    def router(self) -> APIRouter:
        """The router with both calls."""
        routes = management_routes("figures", self._guard)
        routes.add_api_route("/funnel-stats", self.funnel)
        routes.add_api_route("/people-stats", self.people)
        return routes

    def funnel(
        self,
        portal: ChosenPortal,
        filters: SelectedBy,
        entity_type: FunnelEntity = "deal",
        category_id: FunnelCategory = 0,
        definition: Annotated[
            FunnelDefinition, Query(description="What counts as having reached a stage.")
        ] = "standard",
    ) -> SelectedFunnel:
        """The funnel of those created in some days, of a source, person, campaign, qualified or not, at a moment."""
        pipeline = CountedPipeline(entity_type, category_id, "")
        with self._warehouse.connect() as connection:
            require_figures(connection)
            found = funnel(connection, portal, pipeline, filters, definition)
        return SelectedFunnel(stages=list(map(_stage, found)))

    def people(
        self,
        portal: ChosenPortal,
        entity_type: FunnelEntity = "deal",
        category_id: FunnelCategory = 0,
        first: First = None,
        last: Last = None,
    ) -> PeopleList:
        """What each responsible person has open now, and has won and lost from day to day."""
        pipeline = CountedPipeline(entity_type, category_id, "")
        with self._warehouse.connect() as connection:
            require_figures(connection)
            found = people(connection, portal.name, pipeline, first, last)
        return PeopleList(people=list(map(_person, found)))


def _stage(stage: StageFigures) -> FunnelStageItem:
    return FunnelStageItem.model_validate(stage, from_attributes=True)


def _person(person: Person) -> PersonItem:
    return PersonItem.model_validate(person, from_attributes=True)
