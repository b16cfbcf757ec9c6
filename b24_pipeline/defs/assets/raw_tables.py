"""The raw tables: what each is called as an asset, in the database, and in a sync."""

from __future__ import annotations

from dataclasses import dataclass

import dagster as dg

RAW = "raw"
CHANGES = dg.AssetKey([RAW, "changes"])
PORTALS_TABLE = dg.AssetKey([RAW, "portals"])
RECONCILIATION = dg.AssetKey([RAW, "reconciliation"])
KINDS = frozenset({"bitrix24", "postgres"})


@dataclass(frozen=True, slots=True)
class RawTable:
    """`entity` is what a sync is asked for, `outcomes` what its outcomes are called."""

    name: str
    table: str
    entity: str
    outcomes: tuple[str, ...]
    description: str

    @property
    def key(self) -> dg.AssetKey:
        """As a dbt source has it: ["raw", name]."""
        return dg.AssetKey([RAW, self.name])

    def spec(self) -> dg.AssetSpec:
        """The asset."""
        return dg.AssetSpec(
            self.key,
            description=self.description,
            group_name=RAW,
            kinds=set(KINDS),
            metadata={"dagster/table_name": f"public.{self.table}"},
        )


def _rows_of(name: str, entity: str, description: str) -> RawTable:
    return RawTable(name, f"bitrix24_{name}", entity, (entity,), description)


COHORT_TABLES = (
    _rows_of("leads", "lead", "Leads as they are in the portal."),
    _rows_of("deals", "deal", "Deals as they are in the portal."),
    _rows_of("contacts", "contact", "Contacts as they are in the portal."),
    _rows_of("companies", "company", "Companies as they are in the portal."),
    RawTable(
        "status_history",
        "bitrix24_status_history",
        "status_history",
        ("lead_history", "deal_history"),
        "Every move of a lead or deal that is known; a cohort is the month of the move.",
    ),
)

PORTAL_TABLES = (
    RawTable(
        "pipelines",
        "bitrix24_pipelines",
        "pipelines",
        ("pipeline",),
        "Pipelines of deals; leads have the one pipeline 0.",
    ),
    RawTable(
        "stages",
        "bitrix24_pipeline_stages",
        "pipelines",
        ("stage",),
        "Stages of each pipeline, with the user's flags.",
    ),
    RawTable(
        "statuses",
        "bitrix24_statuses",
        "pipelines",
        ("status",),
        "All CRM directories as the portal gives them.",
    ),
    RawTable(
        "fields",
        "bitrix24_fields",
        "pipelines",
        ("field",),
        "The field catalogue of each entity, custom fields included.",
    ),
    RawTable(
        "users",
        "bitrix24_users",
        "user",
        ("user",),
        "Users of the portal; dismissed ones stay, for rows refer to them.",
    ),
)

BY_OUTCOME = {name: table for table in (*COHORT_TABLES, *PORTAL_TABLES) for name in table.outcomes}
