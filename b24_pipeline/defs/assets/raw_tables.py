"""The raw tables, with the names that each has as an asset, in the database, and in a sync."""

from __future__ import annotations

from dataclasses import dataclass

import dagster as dg

from b24_pipeline.defs.assets.catalogue import (
    BY_CHANGES,
    BY_MONTHS,
    DIRECTORIES_ARE_FRESH,
    MONTHS_ARE_FRESH,
    described_table,
    entity_columns,
    layer_tags,
    refreshed,
)
from b24_pipeline.entities import item_named

RAW = "raw"
PUBLIC = "public"
CHANGES = dg.AssetKey([RAW, "changes"])
PORTALS_KEY = dg.AssetKey([RAW, "portals"])
RECONCILIATION = dg.AssetKey([RAW, "reconciliation"])
ITEM = "item"
"""Stands for every entity that is chosen: invoices, quotes and each smart process."""

KINDS = frozenset({"bitrix24", "postgres"})


@dataclass(frozen=True, slots=True)
class RawTable:
    """A raw table: `entity` is its name in a request for a sync, `outcomes` are the entities of the sync's outcomes.

    `freshness` is None where a portal may have nothing to read.
    """

    name: str
    table: str
    entity: str
    outcomes: tuple[str, ...]
    description: str
    freshness: dg.FreshnessPolicy | None = DIRECTORIES_ARE_FRESH
    by: str = "the job `pipelines`, every hour, and `changes`"

    @property
    def key(self) -> dg.AssetKey:
        """The asset key ["raw", name], as dagster-dbt makes it of a source."""
        return dg.AssetKey([RAW, self.name])

    def spec(self) -> dg.AssetSpec:
        """The asset spec of this table."""
        return dg.AssetSpec(
            self.key,
            description=refreshed(self.description, self.by),
            group_name=RAW,
            kinds=set(KINDS),
            tags=layer_tags(RAW),
            metadata=described_table(PUBLIC, self.table) | entity_columns(self.entity),
            freshness_policy=self.freshness,
        )

    def has(self, entity: str) -> bool:
        """Whether the outcome of this entity is one of this table."""
        return (ITEM if item_named(entity) else entity) in self.outcomes


_MONTHS = (
    "Months are those of {of} in the portal's own time zone, although Dagster names another one. A month that was read "
    "and has no rows stays missing, unless a backfill asked for it: `b24 status` says which days are proved."
)


def _entity_table(name: str, entity: str, description: str) -> RawTable:
    months = f"{description} {_MONTHS.format(of='creation')}"
    return RawTable(name, f"bitrix24_{name}", entity, (entity,), months, MONTHS_ARE_FRESH, BY_MONTHS)


COHORT_TABLES = (
    _entity_table("leads", "lead", "Leads as they are in the portal."),
    _entity_table("deals", "deal", "Deals as they are in the portal."),
    _entity_table("contacts", "contact", "Contacts as they are in the portal."),
    _entity_table("companies", "company", "Companies as they are in the portal."),
    RawTable(
        "status_history",
        "bitrix24_status_history",
        "status_history",
        ("lead_history", "deal_history"),
        f"Every known move of a lead or deal. {_MONTHS.format(of='the moves')}",
        MONTHS_ARE_FRESH,
        BY_MONTHS,
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
        "departments",
        "bitrix24_departments",
        "pipelines",
        ("department",),
        "Departments of the portal; empty where the credential lacks the scope department.",
    ),
    RawTable(
        "currencies",
        "bitrix24_currencies",
        "pipelines",
        ("currency",),
        "Currencies of the portal with its rates of now.",
    ),
    RawTable(
        "smart_types",
        "bitrix24_smart_types",
        "pipelines",
        ("smart_type",),
        "Smart processes of the portal, whether they are chosen or not; of a portal where nothing was chosen yet "
        "(`b24 portal entities`) they are not asked for, and nothing is reported.",
    ),
    RawTable(
        "users",
        "bitrix24_users",
        "user",
        ("user",),
        "Users of the portal; dismissed users stay, because rows refer to them.",
    ),
    RawTable(
        "contact_links",
        "bitrix24_contact_links",
        "contact_link",
        ("contact_link",),
        "All contacts of leads, deals and companies.",
        by=BY_CHANGES,
    ),
)

ITEMS = RawTable(
    "items",
    "bitrix24_items",
    ITEM,
    (ITEM,),
    "Invoices, quotes and items of smart processes, as far as they were chosen (`b24 portal entities`); a portal where "
    "none were has no rows.",
    freshness=None,
    by=BY_CHANGES,
)

BY_OUTCOME = {name: table for table in (*COHORT_TABLES, *PORTAL_TABLES) for name in table.outcomes}
