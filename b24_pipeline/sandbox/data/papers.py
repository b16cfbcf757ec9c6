"""Generated tasks, requisites of companies and contacts, and comments in timelines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from b24_pipeline.sandbox import vocabulary as words
from b24_pipeline.sandbox.crm.record_entity import RecordEntity
from b24_pipeline.sandbox.crm.record_fields import COMMENT_FIELDS, REQUISITE_FIELDS, TASK_FIELDS
from b24_pipeline.sandbox.data.dates import creation_times, identifiers
from b24_pipeline.sandbox.data.journeys import Ints
from b24_pipeline.sandbox.data.maker import DAY, Maker
from b24_pipeline.sandbox.data.titles import titles
from b24_pipeline.sandbox.rows.cells import ABSENT, NOTHING
from b24_pipeline.sandbox.rows.codecs import Moment, Whole
from b24_pipeline.sandbox.rows.table import Table

_DONE = 5
_TASK_DEFAULTS = {
    "STATUS": "2", "PRIORITY": "1", "CREATED_BY": "1", "RESPONSIBLE_ID": "1", "GROUP_ID": "0", "ACCOMPLICES": [],
    "AUDITORS": [], "TAGS": [], "UF_CRM_TASK": False, "UF_TASK_WEBDAV_FILES": False, "COMMENTS_COUNT": "0",
}  # fmt: skip
_REQUISITE_DEFAULTS = {
    "ACTIVE": "Y",
    "ADDRESS_ONLY": "N",
    "PRESET_ID": "1",
    "SORT": "500",
    "CREATED_BY_ID": "1",
}


def make_tasks(
    rng: np.random.Generator, count: int, links: list[str], users: list[int], now: int
) -> RecordEntity:
    """Tasks, half of them linked to the CRM; `links` are such as `D_31`."""
    maker = Maker(rng, TASK_FIELDS, count)
    ids, created = identifiers(rng, count, 0), creation_times(rng, count, now)
    status = rng.choice([2, 3, 4, _DONE, 6], count, p=[0.2, 0.15, 0.05, 0.55, 0.05])
    closed = np.minimum(created + rng.integers(60, 20 * DAY, count), now - 1)
    maker.numbers("ID", ids, Whole())
    titles(maker, "TITLE", "Задача")
    maker.choose("DESCRIPTION", ["", *words.COMMENTS[2:], *words.ODD_TEXTS[:5]])
    maker.numbers("STATUS", status, Whole())
    maker.numbers("PRIORITY", rng.integers(0, 3, count), Whole())
    maker.numbers("GROUP_ID", np.where(rng.random(count) < 0.2, 9, 0), Whole())
    maker.numbers("STAGE_ID", np.zeros(count), Whole())
    maker.users(users, Whole(), "CREATED_BY", "RESPONSIBLE_ID", "CHANGED_BY", "STATUS_CHANGED_BY")
    maker.numbers("CREATED_DATE", created, Moment())
    changed = np.where(status == _DONE, closed, created + rng.integers(0, DAY, count))
    changed = np.minimum(maker.modified(changed, now), now - 1)
    maker.numbers("CHANGED_DATE", changed, Moment())
    maker.numbers("ACTIVITY_DATE", changed, Moment())
    maker.numbers("CLOSED_DATE", np.where(status == _DONE, closed, NOTHING), Moment())
    maker.numbers("DEADLINE", maker.some(created + rng.integers(DAY, 40 * DAY, count), 0.7), Moment())
    maker.numbers("COMMENTS_COUNT", rng.integers(0, 9, count), Whole())
    _lists_of_tasks(maker, links, users)
    return RecordEntity(
        "task", Table(ids, maker.columns), None, TASK_FIELDS,
        camel=True, created="CREATED_DATE", modified="CHANGED_DATE", defaults=_TASK_DEFAULTS,
    )  # fmt: skip


def _lists_of_tasks(maker: Maker, links: list[str], users: list[int]) -> None:
    """Nothing is said as `[]` and as `false`."""
    people: list[Any] = [[], *([str(user)] for user in users[:6]), [str(user) for user in users[:2]]]
    maker.choose("AUDITORS", people)
    maker.choose("ACCOMPLICES", people)
    maker.choose("TAGS", [[], {"7": {"id": 7, "title": "срочно"}}], [0.8, 0.2])
    table: list[Any] = [[], False, *([link] for link in links), *([first, links[0]] for first in links[1:5])]
    linked = maker.rng.integers(2, len(table), maker.size) if links else np.zeros(maker.size, dtype=np.int64)
    maker.codes("UF_CRM_TASK", np.where(maker.rng.random(maker.size) < 0.5, linked, linked % 2), table)
    maker.choose("UF_TASK_WEBDAV_FILES", [False, [101, 102]], [0.9, 0.1])


def make_requisites(
    rng: np.random.Generator, count: int, held: Mapping[str, Ints], users: list[int], now: int
) -> RecordEntity:
    """Requisites of companies and contacts; a company may have several."""
    maker = Maker(rng, REQUISITE_FIELDS, count)
    ids, created = identifiers(rng, count, 0), creation_times(rng, count, now)
    of_company = rng.random(count) < 0.8
    owners = [
        rng.choice(held[name], count) if len(held[name]) else np.zeros(count)
        for name in ("company", "contact")
    ]
    maker.numbers("ID", ids, Whole())
    maker.numbers("ENTITY_TYPE_ID", np.where(of_company, 4, 3), Whole())
    maker.numbers("ENTITY_ID", np.where(of_company, *owners), Whole())
    maker.numbers("PRESET_ID", np.where(of_company, 1, 5), Whole())
    maker.numbers("DATE_CREATE", created, Moment())
    maker.numbers("DATE_MODIFY", maker.modified(created, now), Moment())
    maker.users(users, Whole(), "CREATED_BY_ID", "MODIFY_BY_ID")
    maker.choose("NAME", ["Организация", "Физ. лицо", "ИП"])
    maker.flags("ACTIVE", 0.95)
    maker.numbers("SORT", np.full(count, 500), Whole())
    maker.choose("RQ_COMPANY_NAME", [None, "", *words.COMPANY_NAMES])
    maker.codes("RQ_INN", np.arange(count), [f"{7_700_000_000 + number}" for number in range(count)])
    maker.choose("RQ_DIRECTOR", [None, "", *words.LAST_NAMES])
    return RecordEntity(
        "requisite", Table(ids, maker.columns), None, REQUISITE_FIELDS,
        created="DATE_CREATE", modified="DATE_MODIFY", defaults=_REQUISITE_DEFAULTS,
    )  # fmt: skip


def make_comments(
    rng: np.random.Generator, count: int, owners: Mapping[str, Ints], users: list[int], now: int
) -> RecordEntity:
    """Comments of a few elements each; `owners` are ids by the name that comments give to their type."""
    maker = Maker(rng, COMMENT_FIELDS, count)
    names = [name for name, ids in owners.items() if len(ids)] or ["deal"]
    kind = rng.integers(0, len(names), count)
    owner = np.zeros(count, dtype=np.int64)
    for place, name in enumerate(names):
        rows = np.flatnonzero(kind == place)
        some = owners[name][: max(1, len(owners[name]) // 5)]
        owner[rows] = rng.choice(some, len(rows)) if len(some) else 1
    ids, created = identifiers(rng, count, 0), creation_times(rng, count, now)
    maker.numbers("ID", ids, Whole())
    maker.numbers("ENTITY_ID", owner, Whole())
    maker.codes("ENTITY_TYPE", kind, names)
    maker.numbers("CREATED", created, Moment())
    maker.choose("COMMENT", [*words.COMMENTS[2:], *words.ODD_TEXTS[:6]])
    maker.users(users, Whole(), "AUTHOR_ID")
    file = {"4711": {"id": 4711, "type": "file", "name": "1.jpg", "size": 100, "authorId": 1}}
    maker.choose("FILES", [ABSENT, {}, file], [0.8, 0.1, 0.1])
    return RecordEntity(
        "comment", Table(ids, maker.columns), None, COMMENT_FIELDS,
        created="CREATED", defaults={"AUTHOR_ID": "1", "FILES": ABSENT},
    )  # fmt: skip
