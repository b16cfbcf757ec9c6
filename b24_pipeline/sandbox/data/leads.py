"""Generates the leads of a sandbox portal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from b24_pipeline.sandbox import vocabulary as words
from b24_pipeline.sandbox.data.histories import semantics_column, stage_column
from b24_pipeline.sandbox.data.journeys import Ints, Moves, StageWalk, Tracks
from b24_pipeline.sandbox.data.maker import DAY, Bools, Maker
from b24_pipeline.sandbox.data.pipelines import DELETED, pipeline_stages
from b24_pipeline.sandbox.data.titles import titles
from b24_pipeline.sandbox.rows.cells import NOTHING
from b24_pipeline.sandbox.rows.codecs import Cents, DayCodec, Moment, Whole


@dataclass(frozen=True)
class Leads:
    """Leads before their columns: who they are and how they went."""

    ids: Ints
    created: Ints
    tracks: Tracks
    walk: StageWalk
    moves: Moves
    phones: Ints

    @property
    def semantics(self) -> Ints:
        """0 in progress, 1 converted, 2 junk, a lead."""
        return np.array(["PSF".index(sign) for sign in self.tracks.semantics])[self.walk.stage]

    @property
    def converted(self) -> Ints:
        """Numbers of converted leads."""
        return np.flatnonzero(self.semantics == 1)


def plan_leads(rng: np.random.Generator, ids: Ints, created: Ints, now: int) -> Leads:
    """Let leads walk through their stages and give most of them a phone, some a common one."""
    tracks = Tracks.of(pipeline_stages("lead"), {code for kind, _, code in DELETED if kind == "lead"})
    walk = StageWalk(rng, "lead", tracks, created, now)
    moves = walk.run()
    phones = rng.integers(9_000_000_000, 9_999_999_999, len(ids))
    again = np.flatnonzero(rng.random(len(ids)) < 0.06)
    phones[again] = phones[rng.integers(0, max(1, len(ids)), len(again))]
    phones[rng.random(len(ids)) < 0.07] = NOTHING
    return Leads(ids, created, tracks, walk, moves, phones)


def make_leads(
    rng: np.random.Generator, plan: Leads, contacts: Ints, companies: Ints, users: list[int], now: int
) -> Maker:
    """The columns of planned leads; `contacts`, `companies` are ids or NOTHING, a lead."""
    maker = Maker(rng, "lead", len(plan.ids))
    maker.numbers("ID", plan.ids, Whole())
    _texts(maker)
    _stages(maker, plan, now)
    maker.numbers("CONTACT_ID", contacts, Whole())
    maker.numbers("COMPANY_ID", companies, Whole())
    maker.users(users, Whole(), "ASSIGNED_BY_ID", "CREATED_BY_ID", "MODIFY_BY_ID", "MOVED_BY_ID")
    maker.users(users, Whole(), "LAST_ACTIVITY_BY")
    maker.utm()
    _multifields(maker, plan.phones)
    return maker


def _texts(maker: Maker) -> None:
    titles(maker, "TITLE", "Лид")
    maker.choose("HONORIFIC", [None, "HNR_RU_1", "HNR_RU_2"], [0.8, 0.1, 0.1])
    maker.choose("NAME", [None, "", *words.FIRST_NAMES])
    maker.choose("SECOND_NAME", words.SECOND_NAMES)
    maker.choose("LAST_NAME", [None, *words.LAST_NAMES])
    maker.choose("COMPANY_TITLE", [None, "", *words.COMPANY_NAMES], [20, 5] + [1] * len(words.COMPANY_NAMES))
    maker.choose("POST", words.POSTS)
    maker.choose("ADDRESS", words.STREETS, [10, 1, 1, 1])
    maker.choose("ADDRESS_CITY", [None, *words.CITIES], [20] + [1] * len(words.CITIES))
    maker.choose("COMMENTS", [*words.COMMENTS, *words.ODD_TEXTS], [20] * 8 + [0.3] * 8 + [0.05])
    maker.choose("SOURCE_ID", [None, "", *words.SOURCES], [1, 1] + [4] * len(words.SOURCES))
    maker.choose("CURRENCY_ID", ["RUB", "USD", "EUR", "KZT"], [0.9, 0.04, 0.03, 0.03])
    maker.money("OPPORTUNITY", Cents())
    maker.flags("OPENED", 0.7)
    maker.flags("IS_RETURN_CUSTOMER", 0.1)
    birthdays = maker.rng.integers(-7000, 13000, maker.size)
    maker.numbers("BIRTHDATE", maker.some(birthdays, 0.2), DayCodec(""))


def _stages(maker: Maker, plan: Leads, now: int) -> None:
    semantics, moved = plan.semantics, plan.walk.moved_at
    modified = maker.modified(moved, now)
    maker.columns["STATUS_ID"] = stage_column(plan.tracks, plan.walk.stage)
    maker.columns["STATUS_SEMANTIC_ID"] = semantics_column(plan.tracks, plan.walk.stage)
    maker.numbers("DATE_CREATE", plan.created, Moment())
    maker.numbers("DATE_MODIFY", modified, Moment())
    maker.numbers("MOVED_TIME", moved, Moment())
    maker.numbers("DATE_CLOSED", np.where(semantics > 0, moved, NOTHING), Moment(""))
    maker.numbers("LAST_ACTIVITY_TIME", np.maximum(modified - DAY, plan.created), Moment())


def _multifields(maker: Maker, phones: Ints) -> None:
    emails = maker.some(maker.rng.integers(1, 10**9, maker.size), 0.55)
    has_phone: Bools = phones != NOTHING
    maker.multifield("PHONE", phones, 0.08, 10)
    maker.multifield("EMAIL", emails, 0.05, 4_000_000)
    maker.flags("HAS_PHONE", has_phone)
    maker.flags("HAS_EMAIL", emails != NOTHING)
