"""Moves of deals through stages as `crm.stagehistory.list` sends them, and where each deal stands after them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

BEGIN = int(datetime(2023, 1, 1, tzinfo=UTC).timestamp())
DAY = 86_400
DAYS = 1_000
PIPELINES = (0, 4, 7, 12)
STAGES = ("NEW", "PREPARATION", "UC_A1", "UC_B2", "EXECUTING", "FINAL_INVOICE", "WON", "LOSE")


@dataclass(frozen=True)
class Moves:
    """Moves by ascending id; `stage` numbers the stages of a pipeline, `kind` is the portal's `TYPE_ID`."""

    number: Ints
    deal: Ints
    kind: Ints
    pipeline: Ints
    stage: Ints
    moment: Ints

    def __len__(self) -> int:
        return len(self.number)

    def first(self, count: int) -> Moves:
        """The moves with the lowest ids."""
        columns = (self.number, self.deal, self.kind, self.pipeline, self.stage, self.moment)
        return Moves(*(column[:count] for column in columns))

    def rows(self, first: int, end: int) -> list[dict[str, Any]]:
        """Rows of the portal's answer: all texts, times in the portal's zone."""
        columns = (self.number, self.deal, self.kind, self.pipeline, self.stage, self.moment)
        return [
            {
                "ID": str(number),
                "TYPE_ID": str(kind),
                "OWNER_ID": str(deal),
                "CREATED_TIME": np.datetime_as_string(np.datetime64(moment + 10_800, "s")) + "+03:00",
                "CATEGORY_ID": str(pipeline),
                "STAGE_ID": code(pipeline, stage),
            }
            for number, deal, kind, pipeline, stage, moment in zip(
                *(column[first:end].tolist() for column in columns), strict=True
            )
        ]

    def positions(self) -> Iterator[tuple[int, int, str, datetime]]:
        """Where each deal stands after its last move: id, pipeline, stage, since when."""
        by_time = np.lexsort((self.number, self.moment, self.deal))
        last = by_time[np.append(np.diff(self.deal[by_time]) != 0, True)]
        columns = (self.deal, self.pipeline, self.stage, self.moment)
        for deal, pipeline, stage, moment in zip(*(column[last].tolist() for column in columns), strict=True):
            yield deal, pipeline, code(pipeline, stage), datetime.fromtimestamp(moment, UTC)


def code(pipeline: int, stage: int) -> str:
    """The code of a stage: `NEW`, or `C4:NEW` outside of the first pipeline."""
    return f"C{pipeline}:{STAGES[stage]}" if pipeline else STAGES[stage]


def walked(deals: int, moves: int, seed: int = 1) -> Moves:
    """The first so many moves of about so many deals.

    How it was chosen: what costs time is how the moves of one deal are spread over the pages, so nothing repeats.
    Deals begin more and more often over 1,000 days. The number of moves of a deal is one and a negative binomial
    number: a third moves once, a few do so dozens of times. A stay lasts by a log-normal law with a median of a day,
    from seconds (robots) to a year; each fiftieth move is one of a nightly robot, which moves many in one second.
    Each twentieth move changes the pipeline, one of six goes back. Ids ascend with time, with holes; each hundredth
    move got its id up to a minute late.
    """
    rng = np.random.default_rng(seed)
    # a few moves more than asked for: their number is up to chance
    dice = 0.6 / (0.6 + 1.01 * moves / deals - 1)
    counts = 1 + rng.negative_binomial(0.6, dice, deals)
    owner = np.repeat(np.arange(deals), counts)
    total, first = len(owner), np.append(0, np.cumsum(counts)[:-1])
    is_first = np.zeros(total, dtype=bool)
    is_first[first] = True
    begins = BEGIN + (DAYS * DAY * np.sqrt(rng.random(deals))).astype(np.int64)
    stays = np.exp(rng.normal(np.log(DAY), 2.0, total)).astype(np.int64) + 1
    stays[is_first] = 0
    passed = np.cumsum(stays)
    moment = begins[owner] + passed - np.repeat(passed[first], counts)
    robots = (rng.random(total) < 0.02) & ~is_first
    moment[robots] = moment[robots] // DAY * DAY + DAY
    pipeline, kind = _pipelines(rng, is_first, owner)
    stage = _stages(rng, is_first, counts, first)
    order = np.argsort(moment + (rng.random(total) < 0.01) * rng.integers(0, 60, total), kind="stable")
    ids = np.cumsum(rng.geometric(0.5, total))
    # deals get their ids as they begin
    rank = np.empty(deals, dtype=np.int64)
    rank[np.argsort(begins, kind="stable")] = np.arange(1, deals + 1)
    columns = (rank[owner], kind, pipeline, stage, moment)
    return Moves(ids[:moves], *(column[order][:moves] for column in columns))


def _pipelines(rng: np.random.Generator, is_first: npt.NDArray[np.bool_], owner: Ints) -> tuple[Ints, Ints]:
    """The pipeline after each move, and the kind of the move."""
    changes = np.cumsum((rng.random(len(owner)) < 0.05) & ~is_first)
    start = rng.integers(0, len(PIPELINES), owner[-1] + 1)[owner]
    pipeline = np.array(PIPELINES)[(start + changes) % len(PIPELINES)]
    changed = np.append(False, np.diff(pipeline) != 0) & ~is_first
    return pipeline, np.select([is_first, changed], [1, 5], default=2)


def _stages(rng: np.random.Generator, is_first: npt.NDArray[np.bool_], counts: Ints, first: Ints) -> Ints:
    """Stages mostly forward, from the first one of the pipeline to one of the two last."""
    steps = rng.choice([1, 1, 1, 2, -1, 3], len(is_first))
    steps[is_first] = 0
    walked = np.cumsum(steps)
    stage: Ints = np.abs(walked - np.repeat(walked[first], counts)) % len(STAGES)
    return stage
