"""Generated items of one type: smart process, smart invoice or quote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from b24_pipeline.sandbox import vocabulary as words
from b24_pipeline.sandbox.crm.field_types import coded_column
from b24_pipeline.sandbox.crm.fields import Field
from b24_pipeline.sandbox.data.dates import creation_times, identifiers
from b24_pipeline.sandbox.data.histories import stage_column
from b24_pipeline.sandbox.data.journeys import FINAL, Ints, Moves, StageWalk, Tracks
from b24_pipeline.sandbox.data.maker import DAY, Maker
from b24_pipeline.sandbox.data.titles import titles
from b24_pipeline.sandbox.rows.cells import NOTHING
from b24_pipeline.sandbox.rows.codecs import Cents, DayCodec, Moment, Whole

_WON = -1


@dataclass(frozen=True)
class ItemPlan:
    """Items before their columns: who they are and how they went."""

    ids: Ints
    created: Ints
    tracks: Tracks
    walk: StageWalk
    moves: Moves


@dataclass(frozen=True)
class ItemLinks:
    """Ids that items may point to, by the name of the column."""

    users: list[int]
    ids: dict[str, Ints]


def plan_items(
    rng: np.random.Generator, count: int, stages: dict[int, list[tuple[str, str]]], now: int
) -> ItemPlan:
    """Lets items walk through their funnels; a few are made in a final stage at once.

    Their history then begins with type 3, and has no 1 (docs/bitrix24-rest-more.md, section 1.4).
    """
    created = creation_times(rng, count, now)
    tracks = Tracks.of(stages, set())
    walk = StageWalk(rng, "deal", tracks, created, now)
    moves = walk.run()
    still = np.bincount(moves.owner, minlength=count) == 1
    chosen = np.flatnonzero(still & (rng.random(count) < 0.3))
    walk.position[chosen] = _WON
    rows = np.flatnonzero(np.isin(moves.owner, chosen))
    moves.type[rows] = FINAL
    moves.stage[rows] = tracks.won[walk.pipeline[moves.owner[rows]]]
    return ItemPlan(identifiers(rng, count, 0), created, tracks, walk, moves)


def make_items(
    rng: np.random.Generator, plan: ItemPlan, fields: tuple[Field, ...], links: ItemLinks, now: int
) -> Maker:
    """The columns of planned items, of those fields that the type has."""
    maker = Maker(rng, fields, len(plan.ids))
    known = {field.name for field in fields}
    maker.numbers("ID", plan.ids, Whole())
    titles(maker, "TITLE", "Элемент")
    _people_and_times(maker, plan, links.users, now)
    maker.utm()
    maker.flags("OPENED", 0.8)
    if "CATEGORY_ID" in known:
        maker.numbers("CATEGORY_ID", plan.tracks.categories[plan.walk.pipeline], Whole())
    if "STAGE_ID" in known:
        _stages(maker, plan, known, links.users)
    if "OPPORTUNITY" in known:
        _money(maker)
    if "BEGINDATE" in known:
        _dates(maker, plan, known)
    if "SOURCE_ID" in known:
        maker.choose("SOURCE_ID", [None, *words.SOURCES])
        maker.choose("SOURCE_DESCRIPTION", [None, "", *words.ODD_TEXTS[:3]], [20, 5, 1, 1, 1])
    _links(maker, known, links)
    _numbers_of_papers(maker, plan, known)
    return maker


def _people_and_times(maker: Maker, plan: ItemPlan, users: list[int], now: int) -> None:
    modified = maker.modified(plan.walk.moved_at, now)
    maker.numbers("DATE_CREATE", plan.created, Moment())
    maker.numbers("DATE_MODIFY", modified, Moment())
    maker.numbers("LAST_ACTIVITY_TIME", np.maximum(modified - DAY, plan.created), Moment())
    maker.users(users, Whole(), "ASSIGNED_BY_ID", "CREATED_BY_ID", "MODIFY_BY_ID", "LAST_ACTIVITY_BY")


def _stages(maker: Maker, plan: ItemPlan, known: set[str], users: list[int]) -> None:
    stage = plan.walk.stage
    maker.columns["STAGE_ID"] = stage_column(plan.tracks, stage)
    if "PREVIOUS_STAGE_ID" in known:
        codes = [*plan.tracks.stage_codes, None]
        maker.codes(
            "PREVIOUS_STAGE_ID", np.where(plan.walk.previous < 0, len(codes) - 1, plan.walk.previous), codes
        )
        maker.numbers("MOVED_TIME", plan.walk.moved_at, Moment())
        maker.users(users, Whole(), "MOVED_BY_ID")
    if "CLOSED" in known:
        maker.flags("CLOSED", np.asarray(plan.walk.position < 0))


def _money(maker: Maker) -> None:
    maker.money("OPPORTUNITY", Cents())
    maker.numbers("TAX_VALUE", np.zeros(maker.size), Cents(zero="0"))
    maker.choose("CURRENCY_ID", ["RUB", "USD", "EUR"], [0.9, 0.06, 0.04])
    maker.flags("IS_MANUAL_OPPORTUNITY", 0.5)


def _dates(maker: Maker, plan: ItemPlan, known: set[str]) -> None:
    begin = plan.created // DAY
    maker.numbers("BEGINDATE", begin, DayCodec())
    maker.numbers("CLOSEDATE", maker.some(begin + maker.rng.integers(3, 60, maker.size), 0.9), DayCodec())
    if "ACTUAL_DATE" in known:
        maker.numbers("ACTUAL_DATE", maker.some(begin + 30, 0.5), DayCodec())


def _links(maker: Maker, known: set[str], links: ItemLinks) -> None:
    for name, ids in links.ids.items():
        if name in known and len(ids):
            maker.numbers(name, maker.some(maker.rng.choice(ids, maker.size), 0.6), Whole())
    if "CONTACT_IDS" in known:
        _contacts(maker, links.ids["CONTACT_ID"])
    if "OBSERVERS" in known:
        lists = [[], *([str(user)] for user in links.users), [str(user) for user in links.users[:2]]]
        _lists(maker, "OBSERVERS", maker.rng.integers(0, len(lists), maker.size), lists, "user")


def _contacts(maker: Maker, contact_ids: Ints) -> None:
    """The main one first; a fifth of those that have one have another beside it."""
    mains = maker.columns["CONTACT_ID"].typed(np.arange(maker.size))
    more = maker.rng.choice(contact_ids, maker.size) if len(contact_ids) else np.zeros(maker.size)
    several = maker.rng.random(maker.size) < 0.2
    found = [
        [str(main), *([str(other)] if second and other != main else [])] if main else []
        for main, other, second in zip(mains, more.tolist(), several.tolist(), strict=True)
    ]
    table = list(dict.fromkeys(map(tuple, found))) or [()]
    places = {contacts: place for place, contacts in enumerate(table)}
    codes = [places[tuple(contacts)] for contacts in found]
    _lists(maker, "CONTACT_IDS", codes, [list(contacts) for contacts in table], "crm_contact")


def _lists(maker: Maker, name: str, codes: Any, table: list[list[str]], kind: str) -> None:
    maker.columns[name] = coded_column(codes, [list(row) for row in table], kind, multiple=True)


def _numbers_of_papers(maker: Maker, plan: ItemPlan, known: set[str]) -> None:
    for name in sorted({"ACCOUNT_NUMBER", "QUOTE_NUMBER"} & known):
        maker.codes(name, np.arange(maker.size), [str(number) for number in plan.ids.tolist()])
    for name in sorted({"CONTENT", "TERMS", "COMMENTS"} & known):
        maker.choose(name, [*words.COMMENTS, *words.ODD_TEXTS[:6]], [20] * 8 + [0.5] * 6)
    for name in sorted({"CONTENT_TYPE", "TERMS_TYPE"} & known):
        maker.numbers(name, np.full(maker.size, 3), Whole())
    if "WEBFORM_ID" in known:
        maker.numbers("WEBFORM_ID", np.where(maker.rng.random(maker.size) < 0.1, 3, NOTHING), Whole())
