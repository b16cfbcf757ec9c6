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
    """The flags that a person sets of a stage; None leaves one as it is."""

    is_qualified: bool | None = None
    is_success: bool | None = None
    is_fail: bool | None = None


@dataclass(frozen=True, slots=True)
class StageFlags:
    """The stages of one database. A sync never touches a flag that was set here."""

    warehouse: Warehouse

    def stages(self, account: UUID) -> list[Stage]:
        """The stages of a portal that are not deleted: leads before deals, then by pipeline and order."""
        return self.warehouse.transact(_stages, account)

    def set_flags(self, account: UUID, stage: UUID, flags: Flags) -> Stage:
        """Sets flags of a stage and returns it. Raises UnknownStage, and FlagsContradict where it is won and lost."""

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
            return next(known for known in _stages(connection, account) if known.id == stage)

        return self.warehouse.transact(work)


def _stages(connection: Connection, account: UUID) -> list[Stage]:
    with connection.cursor(row_factory=class_row(Stage)) as cursor:
        return cursor.execute(_sql.stages.sql, {"account": account}).fetchall()
