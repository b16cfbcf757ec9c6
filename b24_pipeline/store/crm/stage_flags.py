"""Stages with the user's flags: which of them count as qualified, as won, as lost."""

from __future__ import annotations

from collections.abc import Mapping
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

    def over(self, stage: Stage) -> Flags:
        """All flags of a stage, once these are set."""
        return Flags(
            stage.is_qualified_stage if self.is_qualified is None else self.is_qualified,
            stage.is_success_stage if self.is_success is None else self.is_success,
            stage.is_fail_stage if self.is_fail is None else self.is_fail,
        )


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
            _set(connection, account, stage, flags)
            return next(known for known in _stages(connection, account) if known.id == stage)

        return self.warehouse.transact(work)

    def set_all(self, account: UUID, wanted: Mapping[UUID, Flags]) -> None:
        """Sets flags of several stages, all of them or none. Raises as `set_flags` does."""

        def work(connection: Connection) -> None:
            for stage in sorted(wanted):
                _set(connection, account, stage, wanted[stage])

        self.warehouse.transact(work)


def _set(connection: Connection, account: UUID, stage: UUID, flags: Flags) -> None:
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


def _stages(connection: Connection, account: UUID) -> list[Stage]:
    with connection.cursor(row_factory=class_row(Stage)) as cursor:
        return cursor.execute(_sql.stages.sql, {"account": account}).fetchall()
