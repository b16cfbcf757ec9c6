"""Names of what the audit has by code: pipelines and stages, custom fields, own leads, and smart processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg.rows import dict_row

from b24_pipeline.store.access.audit import Change
from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection, Warehouse

_sql = queries.load(__file__)
OWN_LEAD = "own lead link"
"""What a change is of whose subject is the id of an own lead."""


@dataclass(frozen=True, slots=True)
class StageName:
    """A stage as people call it; `pipeline` None where the portal has given it no name."""

    pipeline: str | None
    stage: str


@dataclass(frozen=True, slots=True)
class AuditNames:
    """Names by portal and code; what is not among them is gone, and keeps its code.

    Stages are by portal, entity type, pipeline and code; fields by portal, entity type and code; smart processes by
    portal and entity type.
    """

    stages: dict[tuple[str, str, str, str], StageName] = field(default_factory=dict)
    fields: dict[tuple[str, str, str], str] = field(default_factory=dict)
    own_leads: dict[str, str] = field(default_factory=dict)
    smart_types: dict[tuple[str, str], str] = field(default_factory=dict)

    def stage(self, portal: str | None, entity_type: str, category_id: object, status_id: str) -> StageName:
        """The name of a stage, or its code."""
        return self.stages.get(
            (portal or "", entity_type, str(category_id), status_id), StageName(None, status_id)
        )


def names_of(warehouse: Warehouse, changes: Sequence[Change]) -> AuditNames:
    """The names of all that these changes have by code."""
    portals = sorted({change.portal for change in changes if change.portal})
    ids = [change.subject for change in changes if change.what == OWN_LEAD]
    with warehouse.connect() as connection:
        stages = _rows(connection, _sql.stages.sql, portals=portals)
        fields = _rows(connection, _sql.fields.sql, portals=portals)
        own_leads = _rows(connection, _sql.own_leads.sql, ids=ids)
        smart_types = _rows(connection, _sql.smart_types.sql, portals=portals)
    return AuditNames(
        {
            (row["portal"], row["entity_type"], str(row["category_id"]), row["status_id"]): StageName(
                row["pipeline_name"], row["stage_name"]
            )
            for row in stages
        },
        {(row["portal"], row["entity_type"], row["field_name"]): row["label"] for row in fields},
        {row["id"]: row["name"] for row in own_leads},
        {(row["portal"], row["entity_type"]): row["title"] for row in smart_types},
    )


def _rows(connection: Connection, statement: str, **given: Any) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement, given).fetchall()
