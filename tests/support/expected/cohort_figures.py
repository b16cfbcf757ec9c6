"""Where every entity has been, and cohorts counted from it by their documented words, apart from the SQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import psycopg

from tests.support.expected.model_figures import frame

AGES = (7, 14, 30, 60, 90, None)
DEFINITIONS = ("actual", "implied", "strict")

Place: TypeAlias = tuple[int, str]
Pipeline: TypeAlias = tuple[str, str, int]


@dataclass(frozen=True)
class Stage:
    """A stage of the directory."""

    place: Place
    sort: int
    semantics: str
    alive: bool
    outcome: str | None


@dataclass(frozen=True)
class Entity:
    """A lead or deal and where it has been: (pipeline, stage) and when it came there."""

    portal: str
    entity_type: str
    number: int
    zone: ZoneInfo
    created: datetime
    gone: datetime | None
    amount: Any
    currency: str
    way: list[tuple[Place, datetime]]

    def month(self, moment: datetime) -> date:
        """First day of a moment's month, in the portal's zone."""
        return moment.astimezone(self.zone).date().replace(day=1)

    def pipeline(self, category: int) -> Pipeline:
        """A pipeline of its kind."""
        return (self.portal, self.entity_type, category)


@dataclass(frozen=True)
class World:
    """All that the figures are computed from."""

    entities: list[Entity]
    stages: dict[Pipeline, dict[str, Stage]]
    seen: dict[str, datetime]

    def alive(self) -> Iterator[Entity]:
        """Those that are counted."""
        return (entity for entity in self.entities if entity.gone is None)

    def outcome(self, entity: Entity, place: Place) -> str | None:
        """won, lost or None."""
        stage = self.stages.get(entity.pipeline(place[0]), {}).get(place[1])
        return stage.outcome if stage else None


def spread_creation(conn: psycopg.Connection[Any]) -> None:
    """Entities are created over months, some of them lately, instead of all at one moment."""
    for table in ("bitrix24_deals", "bitrix24_leads"):
        conn.execute(
            f"update {table} set date_create = case when id % 5 = 0 then loaded_at - id * interval '31 hours'"
            " else date_create + (id * 7919 % 100 - 60) * interval '17 hours' end"
        )


def world(conn: psycopg.Connection[Any]) -> World:
    """Reads the raw tables; templates of recurring deals are left out."""
    rows = frame(
        conn,
        """
        select a.name as portal, a.bitrix24_time_zone as zone, 'deal' as entity_type, e.id, e.category_id,
            e.stage_id as status_id, e.date_create, coalesce(e.moved_time, e.date_create) as since, e.deleted_at,
            e.opportunity, e.currency_id, e.loaded_at
        from bitrix24_deals e join user_accounts a on a.id = e.user_account_id where e.is_recurring is not true
        union all
        select a.name, a.bitrix24_time_zone, 'lead', e.id, 0, e.status_id, e.date_create,
            coalesce(e.moved_time, e.date_create), e.deleted_at, e.opportunity, e.currency_id, e.loaded_at
        from bitrix24_leads e join user_accounts a on a.id = e.user_account_id
        """,
    )
    moves = frame(
        conn,
        """
        select a.name as portal, h.entity_type, h.entity_id, h.to_category_id as category_id,
            h.to_status_id as status_id, h.changed_at
        from bitrix24_status_history h join user_accounts a on a.id = h.user_account_id
        order by h.changed_at, h.history_id nulls last, h.id
        """,
    )
    by_entity = {
        key: list(group.itertuples()) for key, group in moves.groupby(["portal", "entity_type", "entity_id"])
    }
    entities = [
        _entity(row, by_entity.get((row.portal, row.entity_type, row.id), [])) for row in rows.itertuples()
    ]
    return World(entities, _stages(conn), _seen(conn))


def _entity(row: Any, moves: list[Any]) -> Entity:
    way = [((move.category_id, move.status_id), move.changed_at) for move in moves]
    here = (row.category_id, row.status_id)
    if not way or (way[-1][0] != here and row.since > way[-1][1]):
        way.append((here, row.since))
    way = [step for number, step in enumerate(way) if number == 0 or way[number - 1][0] != step[0]]
    if way[-1][0] != here:  # its move was read before it: it stands there since then
        way.append((here, way[-1][1]))
    return Entity(
        portal=row.portal,
        entity_type=row.entity_type,
        number=row.id,
        zone=ZoneInfo(row.zone),
        created=row.date_create,
        gone=row.deleted_at if isinstance(row.deleted_at, datetime) else None,
        amount=row.opportunity,
        currency=row.currency_id or "XXX",
        way=way,
    )


def _stages(conn: psycopg.Connection[Any]) -> dict[Pipeline, dict[str, Stage]]:
    found: dict[Pipeline, dict[str, Stage]] = {}
    rows = frame(
        conn,
        "select a.name as portal, s.* from bitrix24_pipeline_stages s join user_accounts a on a.id = s.user_account_id",
    )
    for row in rows.to_dict("records"):
        outcome = "won" if row["is_success_stage"] else "lost" if row["is_fail_stage"] else None
        stage = Stage(
            place=(row["category_id"], row["status_id"]),
            sort=row["status_sort"],
            semantics=row["status_semantics"],
            alive=not isinstance(row["deleted_at"], datetime),
            outcome=outcome,
        )
        found.setdefault((row["portal"], row["entity_type"], row["category_id"]), {})[row["status_id"]] = (
            stage
        )
    return found


def _seen(conn: psycopg.Connection[Any]) -> dict[str, datetime]:
    rows = conn.execute(
        """
        select a.name, max(r.loaded_at) from user_accounts a join (
            select user_account_id, loaded_at from bitrix24_leads
            union all select user_account_id, loaded_at from bitrix24_deals
            union all select user_account_id, loaded_at from bitrix24_status_history
        ) r on r.user_account_id = a.id group by a.name
        """
    ).fetchall()
    return dict(rows)


def cohorts(known: World) -> dict[tuple[Any, ...], tuple[int, int, bool]]:
    """(entities, reached, is_mature) by portal, type, month, pipeline, stage, definition and age."""
    members: dict[tuple[Pipeline, date], list[Entity]] = {}
    shown: dict[Pipeline, set[str]] = {
        key: {name for name, stage in stages.items() if stage.alive} for key, stages in known.stages.items()
    }
    for entity in known.alive():
        for category in {place[0] for place, _ in entity.way}:
            members.setdefault((entity.pipeline(category), entity.month(entity.created)), []).append(entity)
    for entity in known.entities:  # a stage that somebody has been in is shown, although he is gone
        for (category, status), moment in entity.way:
            if entity.gone is None or moment < entity.gone:
                shown.setdefault(entity.pipeline(category), set()).add(status)
    figures = {}
    for (pipeline, month), entities in members.items():
        for status in shown[pipeline]:
            for definition in DEFINITIONS:
                for age in AGES:
                    reached = sum(
                        _reached(known, entity, pipeline, status, definition, age) for entity in entities
                    )
                    figures[*pipeline[:2], month, pipeline[2], status, definition, age] = (
                        len(entities),
                        reached,
                        _mature(month, entities[0].zone, age, known.seen[pipeline[0]]),
                    )
    return figures


def _reached(
    known: World, entity: Entity, pipeline: Pipeline, status: str, definition: str, age: int | None
) -> bool:
    until = None if age is None else entity.created + timedelta(days=age)
    been = [
        place[1]
        for place, moment in entity.way
        if place[0] == pipeline[2] and (until is None or moment <= until)
    ]
    stages = known.stages.get(pipeline, {})
    if definition == "actual":
        return status in been
    if definition == "implied":
        return status in been or bool(_later(stages, status) & set(been))
    left = iter(been)
    return all(wanted in left for wanted in [*_earlier(stages, status), status])


def _later(stages: dict[str, Stage], status: str) -> set[str]:
    stage = stages.get(status)
    if not stage or not stage.alive or stage.semantics == "failure":
        return set()
    return {
        name
        for name, other in stages.items()
        if other.alive and other.semantics != "failure" and other.sort >= stage.sort
    }


def _earlier(stages: dict[str, Stage], status: str) -> list[str]:
    process = [
        (other.sort, name)
        for name, other in stages.items()
        if other.alive
        and other.semantics == "process"
        and (status not in stages or other.sort < stages[status].sort)
    ]
    return [name for _, name in sorted(process)]


def _mature(month: date, zone: ZoneInfo, age: int | None, seen: datetime) -> bool:
    after = (month + timedelta(days=32)).replace(day=1)
    end = datetime(after.year, after.month, 1, tzinfo=zone).astimezone(UTC)
    return age is not None and end + timedelta(days=age) <= seen
