"""The figures of creatives and key stages by the contract's words, computed with pandas apart from the SQL."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pandas as pd
import psycopg

from tests.support.expected.model_figures import frame, present, visits
from tests.support.frames import tuples

Key = tuple[Any, ...]


def own_leads(conn: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    """Own leads, the earliest first."""
    found = frame(
        conn,
        """
        select a.name as portal, a.bitrix24_time_zone as zone, o.id, o.creative_id, o.direction_id, o.created_at,
            o.bitrix24_lead_id as lead, o.bitrix24_deal_id as deal, o.is_qualified
        from leads o join user_accounts a on a.id = o.user_account_id
        """,
    ).to_dict("records")
    rows: list[dict[str, Any]] = [{str(name): value for name, value in row.items()} for row in found]
    return sorted(rows, key=lambda row: (row["created_at"], row["id"]))


class Crm:
    """The leads and deals alive: where each stands, and where it has ever been."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        now, been = present(conn), visits(conn)
        self.standing = {(row.portal, row.entity_type, row.entity_id): row for row in tuples(now)}
        self.stages: defaultdict[Key, set[tuple[int, str]]] = defaultdict(set)
        for row in tuples(pd.concat([now, been])):
            self.stages[row.portal, row.entity_type, row.entity_id].add((row.category_id, row.status_id))
        flags = frame(
            conn,
            """
            select a.name as portal, s.entity_type, s.category_id, s.status_id, s.is_qualified_stage,
                s.is_success_stage, s.is_fail_stage, s.deleted_at is null as alive
            from bitrix24_pipeline_stages s join user_accounts a on a.id = s.user_account_id
            """,
        )
        self.directory: dict[Key, Any] = {
            (row.portal, row.entity_type, row.category_id, row.status_id): row for row in flags.itertuples()
        }

        fulfilling = frame(
            conn,
            """
            select a.name as portal, q.entity_type, q.entity_id
            from bitrix24_qualification q join user_accounts a on a.id = q.user_account_id
            where q.is_qualified
            """,
        )
        self.fulfilling: set[Key] = set(fulfilling.itertuples(index=False, name=None))

    def has(self, flag: str, key: Key, stage: tuple[int, str]) -> bool:
        """Whether the stage has a flag; nobody is won or lost in one that the directory never had."""
        known = self.directory.get((*key[:2], *stage))
        return bool(known is not None and getattr(known, flag))

    def qualifies(self, key: Key) -> bool:
        """Whether it has been in a stage that qualifies."""
        return any(self.has("is_qualified_stage", key, stage) for stage in self.stages[key])


def creative_funnel(conn: psycopg.Connection[Any]) -> dict[Key, tuple[int, int, float]]:
    """(portal, entity type, creative, direction, pipeline, stage) -> count, qualified, percentage."""
    crm, counts, qualified = Crm(conn), Counter[Key](), Counter[Key]()
    for group in groups(conn):
        for portal, entity_type, category, status in _alive(crm, group[0]):
            counts[portal, entity_type, *group[1:], category, status] += 0
    for own in own_leads(conn):
        for entity_type in ("lead", "deal"):
            key = own["portal"], entity_type, own[entity_type]
            if key not in crm.standing:
                continue
            here = crm.standing[key]
            row = (*key[:2], own["creative_id"], own["direction_id"], here.category_id, here.status_id)
            counts[row] += 1
            qualified[row] += own["is_qualified"] or crm.qualifies(key)
    totals: Counter[Key] = Counter()
    for row, count in counts.items():
        totals[row[:4]] += count
    return {
        row: (count, qualified[row], 100 * count / totals[row[:4]] if totals[row[:4]] else 0.0)
        for row, count in counts.items()
    }


def groups(conn: psycopg.Connection[Any]) -> set[Key]:
    """(portal, creative, direction) of own leads, and of creatives by themselves."""
    of_creatives = frame(
        conn,
        "select a.name as portal, c.id, c.direction_id from creatives c"
        " join user_accounts a on a.id = c.user_account_id",
    )
    made = {(row.portal, row.id, row.direction_id) for row in of_creatives.itertuples()}
    return made | {(own["portal"], own["creative_id"], own["direction_id"]) for own in own_leads(conn)}


def _alive(crm: Crm, portal: str) -> list[Key]:
    return [key for key, stage in crm.directory.items() if key[0] == portal and stage.alive]


def creative_stats(conn: psycopg.Connection[Any]) -> dict[Key, dict[str, Any]]:
    """(portal, entity type, creative, direction) -> the figures; revenue by currency."""
    crm, claimed = Crm(conn), set[Key]()
    found: dict[Key, dict[str, Any]] = {
        (group[0], entity_type, *group[1:]): _nothing()
        for group in groups(conn)
        for entity_type in ("lead", "deal")
    }
    for own in own_leads(conn):
        for entity_type in ("lead", "deal"):
            key = own["portal"], entity_type, own[entity_type]
            row = found[own["portal"], entity_type, own["creative_id"], own["direction_id"]]
            row["leads"] += 1
            if key not in crm.standing:
                continue
            row["matched"] += 1
            row["qualified"] += own["is_qualified"] or crm.qualifies(key)
            if key not in claimed:
                claimed.add(key)
                _claim(row, crm, key)
    return found


def _nothing() -> dict[str, Any]:
    return dict.fromkeys(("leads", "matched", "qualified", "entities", "won", "lost"), 0) | {"revenue": {}}


def _claim(row: dict[str, Any], crm: Crm, key: Key) -> None:
    here = crm.standing[key]
    stage = (here.category_id, here.status_id)
    row["entities"] += 1
    row["lost"] += crm.has("is_fail_stage", key, stage)
    if not crm.has("is_success_stage", key, stage):
        return
    row["won"] += 1
    if here.opportunity is not None:
        currency = here.currency_id or "XXX"
        row["revenue"][currency] = row["revenue"].get(currency, 0) + here.opportunity


def utm_funnel(conn: psycopg.Connection[Any]) -> dict[Key, tuple[int, int, float]]:
    """(portal, entity type, campaign, content, pipeline, stage) -> count, qualified, percentage."""
    tags = frame(
        conn,
        """
        select a.name as portal, 'deal' as entity_type, d.id, d.utm_campaign, d.utm_content
        from bitrix24_deals d join user_accounts a on a.id = d.user_account_id
        union all
        select a.name, 'lead', l.id, l.utm_campaign, l.utm_content
        from bitrix24_leads l join user_accounts a on a.id = l.user_account_id
        """,
    )
    crm, counts, qualified, totals = Crm(conn), Counter[Key](), Counter[Key](), Counter[Key]()
    for row in tags.itertuples():
        key = row.portal, row.entity_type, row.id
        if key not in crm.standing:
            continue
        here = crm.standing[key]
        group = (*key[:2], row.utm_campaign or None, row.utm_content or None)
        counts[*group, here.category_id, here.status_id] += 1
        is_qualified = key in crm.fulfilling or crm.qualifies(key)
        qualified[*group, here.category_id, here.status_id] += is_qualified
        totals[group] += 1
    return {row: (count, qualified[row], 100 * count / totals[row[:4]]) for row, count in counts.items()}


def key_stages(conn: psycopg.Connection[Any]) -> dict[Key, tuple[int, int]]:
    """(portal, direction, index, pipeline, stage, creative, month) -> own leads, and those that reached it."""
    directions = frame(
        conn, "select id, bitrix24_entity_type as entity_type, key_stages from account_directions"
    )
    by_id: dict[UUID, Any] = {row.id: row for row in tuples(directions)}
    crm, totals, reached = Crm(conn), Counter[Key](), Counter[Key]()
    for own in own_leads(conn):
        direction = by_id.get(own["direction_id"])
        if direction is None:
            continue
        for index, stage in enumerate(direction.key_stages, start=1):
            code = (stage["category_id"], stage["status_id"])
            month = own["created_at"].astimezone(ZoneInfo(own["zone"])).date().replace(day=1)
            row = (own["portal"], own["direction_id"], index, *code, own["creative_id"], month)
            key = own["portal"], direction.entity_type, own[direction.entity_type]
            totals[row] += 1
            reached[row] += code in crm.stages.get(key, ()) and key in crm.standing
    return {row: (total, reached[row]) for row, total in totals.items()}
