"""Visits and funnel figures by the contract's words, computed with pandas apart from the SQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import psycopg
from psycopg.rows import dict_row

from tests.support.frames import groups, records, tuples

ENTITY = ["portal", "entity_type", "entity_id"]
PIPELINE = ["portal", "entity_type", "category_id"]
STAGE = [*PIPELINE, "status_id"]


def frame(conn: psycopg.Connection[Any], statement: str) -> pd.DataFrame:
    """The rows of a query, as Python objects."""
    with conn.cursor(row_factory=dict_row) as cursor:
        cursor.execute(statement)
        columns = [column.name for column in cursor.description or ()]
        return pd.DataFrame(cursor.fetchall(), columns=columns, dtype=object)


def present(conn: psycopg.Connection[Any]) -> pd.DataFrame:
    """Entities alive, templates left out, with their stage."""
    everybody = ever_counted(conn)
    return everybody[everybody["deleted_at"].isna()].drop(columns="deleted_at")


def ever_counted(conn: psycopg.Connection[Any]) -> pd.DataFrame:
    """Entities alive and deleted, templates left out, with the stage where they stand or stood last."""
    return frame(
        conn,
        """
        select a.name as portal, 'deal' as entity_type, d.id as entity_id, d.category_id, d.stage_id as status_id,
            coalesce(d.moved_time, d.date_create) as since, d.opportunity, d.currency_id, d.deleted_at
        from bitrix24_deals d join user_accounts a on a.id = d.user_account_id
        where d.is_recurring is not true
        union all
        select a.name, 'lead', l.id, 0, l.status_id, coalesce(l.moved_time, l.date_create), l.opportunity,
            l.currency_id, l.deleted_at
        from bitrix24_leads l join user_accounts a on a.id = l.user_account_id
        """,
    )


def stages(conn: psycopg.Connection[Any]) -> pd.DataFrame:
    """The directory."""
    return frame(
        conn,
        """
        select a.name as portal, s.entity_type, s.category_id, s.status_id, s.status_sort as sort,
            s.status_semantics as semantics, s.deleted_at is null as alive,
            s.is_success_stage as success, s.is_fail_stage as fail
        from bitrix24_pipeline_stages s join user_accounts a on a.id = s.user_account_id
        """,
    )


def qualified_by_field(conn: psycopg.Connection[Any]) -> set[tuple[Any, ...]]:
    """Who fulfils a condition now, deleted ones included."""
    found = frame(
        conn,
        """
        select a.name as portal, q.entity_type, q.entity_id
        from bitrix24_qualification q join user_accounts a on a.id = q.user_account_id
        where q.is_qualified
        """,
    )
    return set(found.itertuples(index=False, name=None))


def qualified(conn: psycopg.Connection[Any]) -> set[tuple[Any, ...]]:
    """Entities alive that fulfil a condition, or stand or were in a stage that counts as qualified."""
    now, flagged = present(conn), set(_qualified_stages(conn))
    ever = pd.concat([visits(conn)[[*STAGE, "entity_id"]], now[[*STAGE, "entity_id"]]])
    been = ever[[key in flagged for key in ever[STAGE].itertuples(index=False, name=None)]]
    alive = set(now[ENTITY].itertuples(index=False, name=None))
    return alive & (qualified_by_field(conn) | set(been[ENTITY].itertuples(index=False, name=None)))


def _qualified_stages(conn: psycopg.Connection[Any]) -> Iterator[tuple[Any, ...]]:
    statement = """
        select a.name as portal, s.entity_type, s.category_id, s.status_id
        from bitrix24_pipeline_stages s join user_accounts a on a.id = s.user_account_id
        where s.is_qualified_stage
    """
    yield from frame(conn, statement).itertuples(index=False, name=None)


def visits(conn: psycopg.Connection[Any]) -> pd.DataFrame:
    """One row a visit of an entity alive, each move looked at in turn."""
    return _visits(conn, present(conn))


def stays(conn: psycopg.Connection[Any]) -> pd.DataFrame:
    """One row a visit of whoever was ever counted, and `left_by`: the kind of the next visit, or deleted."""
    everybody = ever_counted(conn)
    found = _visits(conn, everybody).merge(everybody[[*ENTITY, "deleted_at"]], on=ENTITY)
    found["left_by"] = found.groupby(ENTITY)["entry_kind"].shift(-1)
    found = found[found["deleted_at"].isna() | (found["entered_at"] < found["deleted_at"])].copy()
    ended = found["deleted_at"].notna() & (
        found["exited_at"].isna() | (found["exited_at"] >= found["deleted_at"])
    )
    found.loc[ended, "left_by"] = "deleted"
    found.loc[ended, "exited_at"] = found["deleted_at"]
    return found


def _visits(conn: psycopg.Connection[Any], entities: pd.DataFrame) -> pd.DataFrame:
    moves = frame(
        conn,
        """
        select a.name as portal, h.entity_type, h.entity_id, h.to_category_id as category_id,
            h.to_status_id as status_id, h.changed_at, h.source, h.history_id, h.id
        from bitrix24_status_history h join user_accounts a on a.id = h.user_account_id
        """,
    )
    by_entity = {key: records(group) for key, group in groups(moves, ENTITY).items()}
    known = {tuple(row[key] for key in STAGE): row for row in records(stages(conn))}
    found = []
    for entity in records(entities):
        key = tuple(entity[name] for name in ENTITY)
        found += _visits_of(entity, by_entity.get(key, []), known)
    return pd.DataFrame(found)


def _visits_of(
    entity: dict[str, Any], moves: list[dict[str, Any]], known: dict[tuple[Any, ...], dict[str, Any]]
) -> list[dict[str, Any]]:
    never = 10**12
    moves = sorted(moves, key=lambda m: (m["changed_at"], m["history_id"] or never, m["id"]))
    steps = [(m["category_id"], m["status_id"], m["changed_at"], m["source"]) for m in moves]
    here = (entity["category_id"], entity["status_id"])
    if not steps or (steps[-1][:2] != here and entity["since"] > steps[-1][2]):
        steps.append((*here, entity["since"], "inferred"))
    distinct = [step for number, step in enumerate(steps) if number == 0 or steps[number - 1][:2] != step[:2]]
    rows = []
    for number, (category, status, at, source) in enumerate(distinct):
        before = distinct[number - 1] if number else None
        rows.append(
            {
                **{name: entity[name] for name in ENTITY},
                "visit_number": number + 1,
                "category_id": category,
                "status_id": status,
                "entered_at": at,
                "exited_at": distinct[number + 1][2] if number + 1 < len(distinct) else None,
                "entry_kind": _kind(entity, before, (category, status), known),
                "source": source,
            }
        )
    return rows


def _kind(
    entity: dict[str, Any],
    before: tuple[Any, ...] | None,
    after: tuple[Any, ...],
    known: dict[tuple[Any, ...], dict[str, Any]],
) -> str:
    if before is None:
        return "create"
    if before[0] != after[0]:
        return "pipeline_change"
    pipeline = (entity["portal"], entity["entity_type"], after[0])
    old, new = known.get((*pipeline, before[1])), known.get((*pipeline, after[1]))
    if new and (new["success"] or new["fail"]):
        return "won" if new["success"] else "lost"
    if old and (old["success"] or old["fail"]):
        return "reopen"
    if not old or not new:
        return "forward"
    if new["sort"] < old["sort"]:
        return "back"
    between = [
        stage
        for key, stage in known.items()
        if key[:3] == pipeline
        and stage["alive"]
        and stage["semantics"] == "process"
        and old["sort"] < stage["sort"] < new["sort"]
    ]
    return "skip" if between else "forward"


def funnel(conn: psycopg.Connection[Any]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The figures of each stage that is alive or in use."""
    now, been, directory = present(conn), visits(conn), stages(conn)
    known = {tuple(row[key] for key in STAGE): row for row in records(directory)}
    ever = pd.concat([been[[*STAGE, "entity_id"]], now[[*STAGE, "entity_id"]]]).drop_duplicates()
    rows = {key for key, stage in known.items() if stage["alive"]} | set(
        ever[STAGE].drop_duplicates().itertuples(index=False, name=None)
    )
    good = qualified(conn)
    return {key: _figures(key, known, now, been, ever) | _good(key, ever, good) for key in rows}


def _good(key: tuple[Any, ...], ever: pd.DataFrame, good: set[tuple[Any, ...]]) -> dict[str, Any]:
    """How many of those that were ever in the stage are qualified."""
    there = set(_at(ever, STAGE, key)["entity_id"])
    return {"qualified": sum((key[0], key[1], number) in good for number in there)}


def _figures(
    key: tuple[Any, ...],
    known: dict[tuple[Any, ...], dict[str, Any]],
    now: pd.DataFrame,
    been: pd.DataFrame,
    ever: pd.DataFrame,
) -> dict[str, Any]:
    here, of_stage = _at(now, STAGE, key), _at(been, STAGE, key)
    pipeline = _at(ever, PIPELINE, key[:3])
    reached = set(pipeline[pipeline["status_id"] == key[3]]["entity_id"])
    finished = of_stage[of_stage["exited_at"].notna()]
    seconds = [(row.exited_at - row.entered_at).total_seconds() for row in tuples(finished)]
    entered = pipeline["entity_id"].nunique()
    before = _reached_before(key, known, pipeline)
    amounts = here[here["opportunity"].notna()].fillna({"currency_id": "XXX"})
    return {
        "in_stage": len(here),
        "entered": entered,
        "reached": len(reached),
        "reached_implied": len(reached | _passed(key, known, pipeline)),
        "conversion_from_start": len(reached) / entered if entered else None,
        "conversion_from_previous": len(reached) / before if before else None,
        "median_seconds": float(pd.Series(seconds).median()) if seconds else None,
        "mean_seconds": float(pd.Series(seconds).mean()) if seconds else None,
        "amounts": amounts.groupby("currency_id")["opportunity"].sum().to_dict(),
    }


def _at(table: pd.DataFrame, names: list[str], key: tuple[Any, ...]) -> pd.DataFrame:
    chosen = table
    for name, value in zip(names, key, strict=True):
        chosen = chosen[chosen[name] == value]
    return chosen


def _passed(
    key: tuple[Any, ...], known: dict[tuple[Any, ...], dict[str, Any]], pipeline: pd.DataFrame
) -> set[int]:
    """Entities whose furthest stage is this one or a later one."""
    stage = known.get(key)
    if not stage or not stage["alive"] or stage["semantics"] == "failure":
        return set()
    later = {
        other[3]
        for other, row in known.items()
        if other[:3] == key[:3]
        and row["alive"]
        and row["semantics"] != "failure"
        and row["sort"] >= stage["sort"]
    }
    return set(pipeline[pipeline["status_id"].isin(later)]["entity_id"])


def _reached_before(
    key: tuple[Any, ...], known: dict[tuple[Any, ...], dict[str, Any]], pipeline: pd.DataFrame
) -> int | None:
    stage = known.get(key)
    earlier = [
        (row["sort"], other[3])
        for other, row in known.items()
        if stage
        and other[:3] == key[:3]
        and row["alive"]
        and row["semantics"] == "process"
        and row["sort"] < stage["sort"]
    ]
    if not earlier:
        return None
    return int(pipeline[pipeline["status_id"] == max(earlier)[1]]["entity_id"].nunique())
