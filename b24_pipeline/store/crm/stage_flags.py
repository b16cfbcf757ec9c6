"""Stages with the user's flags: which of them count as qualified, as won, as lost."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import class_row

from b24_pipeline.errors import FlagsContradict, UnknownStage
from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection, Warehouse

_sql = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a portal. `status_semantics`: process, success or failure, as the portal says."""

    id: UUID
    entity_type: str
    category_id: int
    category_name: str | None
    status_id: str
    status_name: str | None
    status_color: str | None
    status_sort: int | None
    status_semantics: str
    is_qualified_stage: bool
    is_success_stage: bool
    is_fail_stage: bool


@dataclass(frozen=True, slots=True)
class Flags:
    """What a person sets of a stage; None leaves it as it is."""

    is_qualified: bool | None = None
    is_success: bool | None = None
    is_fail: bool | None = None


@dataclass(frozen=True, slots=True)
class StageFlags:
    """The stages of one database. A sync never touches a flag that was set here."""

    warehouse: Warehouse

    def stages(self, account: UUID) -> list[Stage]:
        """Leads before deals, then by pipeline, then by stage; deleted ones left out."""
        return self.warehouse.transact(_stages, account)

    def set_flags(self, account: UUID, stage: UUID, flags: Flags) -> Stage:
        """The stage afterwards. Raises UnknownStage, and FlagsContradict for one both won and lost."""

        def work(connection: Connection) -> Stage:
            changed = _sql.set_flags(
                connection,
                account=account,
                stage=stage,
                is_qualified=flags.is_qualified,
                is_success=flags.is_success,
                is_fail=flags.is_fail,
            )
            if changed is None:
                raise UnknownStage(stage)
            if changed[0]:
                raise FlagsContradict
            return next(one for one in _stages(connection, account) if one.id == stage)

        return self.warehouse.transact(work)


def _stages(connection: Connection, account: UUID) -> list[Stage]:
    with connection.cursor(row_factory=class_row(Stage)) as cursor:
        return cursor.execute(_sql.stages.sql, {"account": account}).fetchall()
