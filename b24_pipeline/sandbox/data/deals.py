"""Generated deals: some born of leads, some templates, some closing in the future."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from b24_pipeline.sandbox import vocabulary as words
from b24_pipeline.sandbox.data.histories import semantics_column, stage_column
from b24_pipeline.sandbox.data.journeys import Ints, Moves, StageWalk, Tracks
from b24_pipeline.sandbox.data.maker import DAY, Maker
from b24_pipeline.sandbox.data.pipelines import DELETED, pipeline_stages
from b24_pipeline.sandbox.data.titles import titles
from b24_pipeline.sandbox.rows.cells import NOTHING
from b24_pipeline.sandbox.rows.codecs import Cents, DayCodec, Moment, Whole


@dataclass(frozen=True)
class Deals:
    """Deals before their columns; `leads` and `contacts` are ids or NOTHING, a deal."""

    ids: Ints
    created: Ints
    tracks: Tracks
    walk: StageWalk
    moves: Moves
    leads: Ints
    contacts: Ints
    companies: Ints


def plan_deals(
    rng: np.random.Generator, ids: Ints, created: Ints, links: tuple[Ints, Ints, Ints], now: int
) -> Deals:
    """Let deals walk through their pipelines; `links` are lead, contact and company ids."""
    tracks = Tracks.of(pipeline_stages("deal"), {code for kind, _, code in DELETED if kind == "deal"})
    walk = StageWalk(rng, "deal", tracks, created, now)
    return Deals(ids, created, tracks, walk, walk.run(), *links)


def make_deals(rng: np.random.Generator, plan: Deals, users: list[int], now: int) -> Maker:
    """The columns of planned deals."""
    maker = Maker(rng, "deal", len(plan.ids))
    maker.numbers("ID", plan.ids, Whole())
    maker.numbers("LEAD_ID", plan.leads, Whole())
    maker.numbers("CONTACT_ID", plan.contacts, Whole())
    maker.numbers("COMPANY_ID", plan.companies, Whole("0"))
    _texts(maker)
    _stages(maker, plan)
    _times(maker, plan, now)
    maker.users(users, Whole(), "ASSIGNED_BY_ID", "CREATED_BY_ID", "MODIFY_BY_ID", "MOVED_BY_ID")
    maker.users(users, Whole(), "LAST_ACTIVITY_BY")
    maker.utm()
    return maker


def _texts(maker: Maker) -> None:
    titles(maker, "TITLE", "Сделка")
    maker.choose("TYPE_ID", ["SALE", "COMPLEX", "SERVICE", None], [0.8, 0.1, 0.08, 0.02])
    maker.choose("CURRENCY_ID", ["RUB", "USD", "EUR", "KZT"], [0.9, 0.04, 0.03, 0.03])
    maker.money("OPPORTUNITY", Cents())
    maker.numbers("TAX_VALUE", np.zeros(maker.size), Cents(zero="0"))
    maker.numbers("PROBABILITY", maker.some(maker.rng.integers(0, 101, maker.size), 0.3), Whole())
    maker.choose("COMMENTS", [*words.COMMENTS, *words.ODD_TEXTS], [20] * 8 + [0.3] * 8 + [0.05])
    maker.choose("ADDITIONAL_INFO", [None, "", "Импорт"], [0.9, 0.08, 0.02])
    maker.choose("SOURCE_ID", [None, "", *words.SOURCES], [1, 1] + [4] * len(words.SOURCES))
    maker.flags("OPENED", 0.7)
    maker.flags("IS_RETURN_CUSTOMER", 0.2)
    maker.flags("IS_REPEATED_APPROACH", 0.05)
    maker.flags("IS_RECURRING", 0.004)
    maker.flags("IS_MANUAL_OPPORTUNITY", 0.5)


def _stages(maker: Maker, plan: Deals) -> None:
    maker.columns["STAGE_ID"] = stage_column(plan.tracks, plan.walk.stage)
    maker.columns["STAGE_SEMANTIC_ID"] = semantics_column(plan.tracks, plan.walk.stage)
    maker.numbers("CATEGORY_ID", plan.tracks.categories[plan.walk.pipeline], Whole())
    maker.flags("CLOSED", np.asarray(plan.walk.position < 0))
    maker.flags("IS_NEW", np.asarray(plan.walk.position == 0))


def _times(maker: Maker, plan: Deals, now: int) -> None:
    moved = plan.walk.moved_at
    modified = maker.modified(moved, now)
    begin = plan.created // DAY
    soon = begin + maker.rng.integers(3, 90, maker.size)
    closing = np.where(maker.rng.random(maker.size) < 0.1, now // DAY + soon % 60, soon)
    maker.numbers("DATE_CREATE", plan.created, Moment())
    maker.numbers("DATE_MODIFY", modified, Moment())
    maker.numbers("MOVED_TIME", moved, Moment())
    maker.numbers("LAST_ACTIVITY_TIME", np.maximum(modified - DAY, plan.created), Moment())
    maker.numbers("BEGINDATE", begin, DayCodec())
    maker.numbers("CLOSEDATE", np.where(maker.rng.random(maker.size) < 0.03, NOTHING, closing), DayCodec(""))
