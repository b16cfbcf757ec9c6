"""Generated activities: to-dos, letters, forms, tasks, meetings, sessions and calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from b24_pipeline.sandbox import vocabulary as words
from b24_pipeline.sandbox.crm.entity import TYPE_IDS
from b24_pipeline.sandbox.crm.record_entity import RecordEntity
from b24_pipeline.sandbox.crm.record_fields import ACTIVITY_FIELDS
from b24_pipeline.sandbox.data.dates import creation_times, identifiers
from b24_pipeline.sandbox.data.journeys import Ints
from b24_pipeline.sandbox.data.maker import DAY, Maker
from b24_pipeline.sandbox.data.titles import titles
from b24_pipeline.sandbox.rows.codecs import Moment, Whole
from b24_pipeline.sandbox.rows.table import Table

_KINDS = (
    ("6", "CRM_TODO", "TODO"),
    ("4", "CRM_EMAIL", "EMAIL"),
    ("6", "CRM_WEBFORM", "5"),
    ("6", "CRM_TASKS_TASK", "TASK"),
    ("1", "CRM_MEETING", "MEETING"),
    ("6", "IMOPENLINES_SESSION", "1"),
    ("2", "VOXIMPLANT_CALL", "CALL"),
)
_CALL = len(_KINDS) - 1
_NEVER = 253_402_203_600
"""How an open-ended to-do says that it has no deadline: the year 9999."""
_OWNERS = {"lead": 0.35, "deal": 0.45, "contact": 0.12, "company": 0.08}
_DEFAULTS = {
    "TYPE_ID": "6", "PROVIDER_ID": "CRM_TODO", "PROVIDER_TYPE_ID": "TODO", "COMPLETED": "N", "STATUS": "1",
    "PRIORITY": "2", "DIRECTION": "0", "NOTIFY_TYPE": "0", "NOTIFY_VALUE": "0", "DESCRIPTION_TYPE": "1",
    "RESPONSIBLE_ID": "1", "AUTHOR_ID": "1", "EDITOR_ID": "1", "SETTINGS": [], "PROVIDER_PARAMS": [],
}  # fmt: skip


@dataclass(frozen=True)
class ActivityPlan:
    """Activities before their columns; `calls` are the rows of those that are calls."""

    ids: Ints
    created: Ints
    calls: Ints
    owner_types: Ints
    owner_ids: Ints
    directions: Ints


def plan_activities(
    rng: np.random.Generator, count: int, calls: int, held: Mapping[str, Ints], now: int
) -> ActivityPlan:
    """Who they belong to and when they came; nine calls of ten have an activity, as long as there are so many."""
    chosen = (
        np.sort(rng.choice(count, min(count, calls * 9 // 10), replace=False)) if count else np.zeros(0, int)
    )
    known = {name: share for name, share in _OWNERS.items() if len(held[name])} or {"lead": 1.0}
    shares = np.array(list(known.values())) / sum(known.values())
    kind = rng.choice(len(known), count, p=shares)
    owners = np.zeros(count, dtype=np.int64)
    for place, name in enumerate(known):
        rows = np.flatnonzero(kind == place)
        owners[rows] = rng.choice(held[name], len(rows)) if len(held[name]) else 1
    types = np.array([TYPE_IDS[name] for name in known])[kind]
    created = creation_times(rng, count, now)
    directions = rng.integers(1, 3, count)
    return ActivityPlan(identifiers(rng, count, 0), created, chosen, types, owners, directions)


def make_activities(
    rng: np.random.Generator, plan: ActivityPlan, call_ids: list[str], users: list[int], now: int
) -> RecordEntity:
    """The columns of planned activities; `call_ids` are those of the calls among them."""
    maker = Maker(rng, ACTIVITY_FIELDS, len(plan.ids))
    kind = rng.integers(0, _CALL, maker.size)
    kind[plan.calls] = _CALL
    maker.numbers("ID", plan.ids, Whole())
    maker.numbers("OWNER_TYPE_ID", plan.owner_types, Whole())
    maker.numbers("OWNER_ID", plan.owner_ids, Whole())
    maker.numbers("TYPE_ID", np.array([int(number) for number, *_ in _KINDS])[kind], Whole())
    maker.codes("PROVIDER_ID", kind, [provider for _, provider, _ in _KINDS])
    maker.codes("PROVIDER_TYPE_ID", kind, [of_type for *_, of_type in _KINDS])
    origin = np.zeros(maker.size, dtype=np.int64)
    origin[plan.calls] = np.arange(1, len(plan.calls) + 1)
    maker.codes("ORIGIN_ID", origin, [None, *(f"VI_{call_id}" for call_id in call_ids)])
    _texts(maker)
    _state(maker, kind, plan.directions)
    _times(maker, plan, kind, now)
    maker.users(users, Whole(), "RESPONSIBLE_ID", "AUTHOR_ID", "EDITOR_ID")
    return RecordEntity(
        "activity", Table(plan.ids, maker.columns), None, ACTIVITY_FIELDS,
        created="CREATED", modified="LAST_UPDATED", defaults=_DEFAULTS,
    )  # fmt: skip


def other_links(
    rng: np.random.Generator, plan: ActivityPlan, contacts: Ints
) -> dict[int, tuple[tuple[int, int], ...]]:
    """Three of ten are linked to a contact beside their main owner."""
    chosen = np.flatnonzero(rng.random(len(plan.ids)) < 0.3) if len(contacts) else np.zeros(0, int)
    linked: list[int] = rng.choice(contacts, len(chosen)).tolist() if len(chosen) else []
    return {int(plan.ids[row]): ((3, contact),) for row, contact in zip(chosen.tolist(), linked, strict=True)}


def _texts(maker: Maker) -> None:
    titles(maker, "SUBJECT", "Дело")
    maker.choose("DESCRIPTION", [*words.COMMENTS, *words.ODD_TEXTS], [20] * 8 + [0.3] * 8 + [0.05])
    maker.choose("SETTINGS", [[], {"MISSED_CALL": False}], [0.8, 0.2])
    maker.choose("PROVIDER_PARAMS", [[], {"FORM": {"LINK": "https://site.example"}}], [0.9, 0.1])
    maker.choose("LOCATION", [None, "", "Офис"], [0.8, 0.15, 0.05])


def _state(maker: Maker, kind: Ints, directions: Ints) -> None:
    done = maker.rng.random(maker.size) < 0.7
    maker.flags("COMPLETED", done)
    maker.numbers("STATUS", np.where(done, 2, 1), Whole())
    directed = (kind == _CALL) | (kind == 1)
    maker.numbers("DIRECTION", np.where(directed, directions, 0), Whole())
    maker.numbers("PRIORITY", maker.rng.integers(1, 4, maker.size), Whole())
    maker.numbers("DESCRIPTION_TYPE", np.where(kind == 1, 3, 1), Whole())
    foreign = maker.rng.integers(1, 10**6, maker.size)
    maker.numbers("ASSOCIATED_ENTITY_ID", np.where((kind == 3) | (kind == 5), foreign, 0), Whole())
    for name in (
        "NOTIFY_TYPE",
        "NOTIFY_VALUE",
        "RESULT_MARK",
        "RESULT_STATUS",
        "RESULT_STREAM",
        "AUTOCOMPLETE_RULE",
    ):
        maker.numbers(name, np.zeros(maker.size), Whole())


def _times(maker: Maker, plan: ActivityPlan, kind: Ints, now: int) -> None:
    maker.numbers("CREATED", plan.created, Moment())
    maker.numbers("LAST_UPDATED", maker.modified(plan.created, now), Moment())
    start = plan.created + np.where(kind == _CALL, 0, maker.rng.integers(0, 5 * DAY, maker.size))
    end = start + maker.rng.integers(60, DAY, maker.size)
    never = (kind == 0) & (maker.rng.random(maker.size) < 0.05)
    maker.numbers("START_TIME", start, Moment(""))
    maker.numbers("END_TIME", maker.some(end, 0.9), Moment(""))
    maker.numbers("DEADLINE", np.where(never, _NEVER, np.where(kind == _CALL, start, end)), Moment(""))
