"""How many of a direction's own leads have reached its key stages, whenever that was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from uuid import UUID

from psycopg.rows import class_row

from b24_pipeline.errors import UnknownDirection
from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection, Warehouse
from b24_pipeline.store.own_leads.directions import Direction, direction_of
from b24_pipeline.store.own_leads.funnels import OwnLeadDays

_sql = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class CreativeReach:
    """Own leads of one creative (None: of none that is known), and how many have been in one key stage."""

    number: int | None
    creative_id: UUID | None
    creative_name: str | None
    own_leads: int
    reached: int


@dataclass(frozen=True, slots=True)
class KeyStageStats:
    """`reach` has a list for each key stage of the direction, in its order: one entry a creative, biggest first."""

    direction: Direction
    own_leads: int
    reach: list[list[CreativeReach]] = field(default_factory=list)


def key_stage_stats(warehouse: Warehouse, account: UUID, direction: UUID, days: OwnLeadDays) -> KeyStageStats:
    """Counts the own leads of a direction that have ever been in its key stages. Raises UnknownDirection.

    It counts by the whole history, so that a key stage that was chosen today counts the past too.
    """
    parameters = {"account": account, "direction": direction, **asdict(days)}

    def work(connection: Connection) -> KeyStageStats:
        found = direction_of(connection, account, direction)
        if found is None:
            raise UnknownDirection(direction)
        with connection.cursor(row_factory=class_row(CreativeReach)) as cursor:
            return _stats(found, cursor.execute(_sql.key_stage_stats.sql, parameters).fetchall())

    return warehouse.transact(work)


def _stats(direction: Direction, rows: Iterable[CreativeReach]) -> KeyStageStats:
    by_number: defaultdict[int | None, list[CreativeReach]] = defaultdict(list)
    for row in rows:
        by_number[row.number].append(row)
    # without key stages the rows have no number; with them every number has all own leads
    own_leads = sum(row.own_leads for row in next(iter(by_number.values()), []))
    reach = [by_number[number] for number, _ in enumerate(direction.key_stages, start=1)]
    return KeyStageStats(direction, own_leads, reach)
