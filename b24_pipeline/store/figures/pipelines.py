"""The pipelines of a portal, to choose one from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from b24_pipeline.errors import NoFigures, UsageError
from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection

_sql = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class CountedPipeline:
    """A pipeline of leads or deals, by the portal's number."""

    entity_type: str
    category_id: int
    category_name: str

    @property
    def code(self) -> str:
        """The pipeline in an address: deal-0."""
        return f"{self.entity_type}-{self.category_id}"


def has_figures(connection: Connection) -> bool:
    """Whether the models were built."""
    return bool(_sql.has_figures(connection))


def require_figures(connection: Connection) -> None:
    """Raises NoFigures unless the models were built."""
    if not has_figures(connection):
        raise NoFigures


def pipelines(connection: Connection, portal: str, counted: str) -> list[CountedPipeline]:
    """The pipelines whose funnel a portal counts, in its order. `counted`: lead, deal or both."""
    if not has_figures(connection):
        return []
    with connection.cursor(row_factory=class_row(CountedPipeline)) as cursor:
        found = cursor.execute(_sql.pipelines.sql, {"portal": portal}).fetchall()
    return [pipeline for pipeline in found if counted in ("both", pipeline.entity_type)]


def chosen(known: list[CountedPipeline], code: str | None) -> CountedPipeline | None:
    """The pipeline of this code, without one the first; None where there are none. Raises UsageError."""
    if not known:
        return None
    if not code:
        return known[0]
    found = next((pipeline for pipeline in known if pipeline.code == code), None)
    if found is None:
        raise UsageError(
            f"no pipeline {code!r}; expected one of {', '.join(pipeline.code for pipeline in known)}"
        ).of_case("no_pipeline", code=code)
    return found


def latest_creation(connection: Connection, account: UUID) -> datetime | None:
    """When the newest lead or deal was created in the portal; None where there is none."""
    found: datetime | None = _sql.latest_creation(connection, account=account)
    return found
