"""Walks through stages, all entities at once: forward, skipping, back, across pipelines, reopened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
CREATED, INTERMEDIATE, FINAL, PIPELINE_CHANGED = 1, 2, 3, 5
"""`TYPE_ID` of a history row (docs/bitrix24-rest.md, section 6.5)."""
_WON, _LOST = -1, -2
_MAX_STEPS = 16
_DAY = 86400
_KINDS = ("stay", "forward", "skip", "back", "won", "lost", "pipeline")
_ODDS = {
    "lead": (0.10, 0.47, 0.05, 0.06, 0.14, 0.18, 0.0),
    "deal": (0.07, 0.55, 0.07, 0.09, 0.07, 0.10, 0.05),
}
_REOPEN = 0.10
_DELETED_SINCE = 200 * _DAY


@dataclass(frozen=True)
class Tracks:
    """Pipelines as numbers: `codes[p, k]` is process stage k of pipeline p in `stage_codes`."""

    categories: Ints
    stage_codes: list[str]
    semantics: list[str]
    codes: Ints
    lengths: Ints
    won: Ints
    lost: Ints
    deleted: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, pipelines: dict[int, list[tuple[str, str]]], deleted: set[str]) -> Tracks:
        """Number the stages of these pipelines: category -> (code, semantics) in order."""
        flat = [stage for stages in pipelines.values() for stage in stages]
        number = {code: place for place, (code, _) in enumerate(flat)}
        by_sign = {sign: _numbered(pipelines, number, sign) for sign in ("", "S", "F")}
        return cls(
            categories=np.array(list(pipelines)),
            stage_codes=list(number),
            semantics=[semantics or "P" for _, semantics in flat],
            codes=_padded(by_sign[""]),
            lengths=np.array([len(codes) for codes in by_sign[""]]),
            won=np.array([codes[0] for codes in by_sign["S"]]),
            lost=np.array([[codes[0], codes[-1]] for codes in by_sign["F"]]),
            deleted=np.array([code in deleted for code, _ in flat]),
        )


def _numbered(
    pipelines: dict[int, list[tuple[str, str]]], number: dict[str, int], sign: str
) -> list[list[int]]:
    return [
        [number[code] for code, semantics in stages if semantics == sign] for stages in pipelines.values()
    ]


def _padded(rows: list[list[int]]) -> Ints:
    width = max(map(len, rows))
    return np.array([row + [row[-1]] * (width - len(row)) for row in rows])


@dataclass(frozen=True)
class Moves:
    """History rows in the order of time; `stage` numbers `Tracks.stage_codes`."""

    owner: Ints
    type: Ints
    category: Ints
    stage: Ints
    moment: Ints


class StageWalk:
    """All entities of a type walking from their creation to `now` (Unix seconds)."""

    def __init__(
        self, rng: np.random.Generator, entity_type: str, tracks: Tracks, created: Ints, now: int
    ) -> None:
        self._rng, self._tracks, self._now = rng, tracks, now
        self._odds = np.cumsum(_ODDS[entity_type])
        count = len(created)
        weights = np.array([0.55, 0.2, 0.15, 0.1][: len(tracks.categories)])
        self.pipeline = rng.choice(len(tracks.categories), count, p=weights / weights.sum())
        self.position = np.zeros(count, dtype=np.int64)
        self.moment = created.copy()
        self.moved_at = created.copy()
        self.previous = np.full(count, -1, dtype=np.int64)
        self._lost_kind = rng.integers(0, 2, count)
        self._log: list[tuple[Any, ...]] = []

    def run(self) -> Moves:
        """Walk until everybody has stopped; the state is then each entity's present one."""
        walking = np.arange(len(self.moment))
        self._record(walking, np.full(len(walking), CREATED))
        for _ in range(_MAX_STEPS):
            walking = self._step(walking)
            if not len(walking):
                break
        return self._moves()

    @property
    def stage(self) -> Ints:
        """The present stage of every entity."""
        return self._stage_of(np.arange(len(self.moment)))

    def _step(self, walking: Ints) -> Ints:
        kinds = np.searchsorted(self._odds, self._rng.random(len(walking)))
        closed = self.position[walking] < 0
        reopened = closed & (self._rng.random(len(walking)) < _REOPEN)
        moments = self.moment[walking] + self._pauses(len(walking))
        going = (moments < self._now) & np.where(closed, reopened, kinds > 0)
        walking, kinds, moments = walking[going], kinds[going], moments[going]
        before = self._stage_of(walking)
        self._move(walking, np.where(closed[going], _KINDS.index("back"), kinds))
        self.moment[walking] = moments
        moved = self._avoid_deleted(walking) != before
        self.previous[walking[moved]] = before[moved]
        self.moved_at[walking[moved]] = moments[moved]
        self._record(walking[moved], self._types(walking[moved], kinds[moved], closed[going][moved]))
        return walking

    def _pauses(self, count: int) -> Ints:
        days = self._rng.exponential(4.0, count) * self._rng.choice([0.001, 0.3, 1.0, 4.0], count)
        pauses: Ints = 1 + (days * _DAY).astype(np.int64)
        return pauses

    def _move(self, walking: Ints, kinds: Ints) -> None:
        position, last = self.position[walking], self._tracks.lengths[self.pipeline[walking]] - 1
        back = np.floor(self._rng.random(len(walking)) * np.maximum(position, 1)).astype(np.int64)
        jumps = self._rng.integers(0, 2, len(walking))
        target = np.select(
            [kinds == _KINDS.index(name) for name in ("forward", "skip", "back", "won", "lost", "pipeline")],
            [position + 1, position + 2, back, np.full_like(back, _WON), np.full_like(back, _LOST), jumps],
            default=position,
        )
        self._change_pipeline(walking[kinds == _KINDS.index("pipeline")])
        target = np.where(target > last, _WON, target)
        self.position[walking] = target

    def _change_pipeline(self, walking: Ints) -> None:
        count = len(self._tracks.categories)
        if count > 1:
            shift = self._rng.integers(1, count, len(walking))
            self.pipeline[walking] = (self.pipeline[walking] + shift) % count

    def _avoid_deleted(self, walking: Ints) -> Ints:
        stages = self._stage_of(walking)
        gone = self._tracks.deleted[stages] & (self.moment[walking] > self._now - _DELETED_SINCE)
        self.position[walking[gone]] += 1
        return self._stage_of(walking)

    def _types(self, walking: Ints, kinds: Ints, reopened: npt.NDArray[np.bool_]) -> Ints:
        final = np.where(self.position[walking] < 0, FINAL, INTERMEDIATE)
        changed = (kinds == _KINDS.index("pipeline")) & ~reopened
        return np.where(changed, PIPELINE_CHANGED, final)

    def _stage_of(self, rows: Ints) -> Ints:
        tracks, pipeline, position = self._tracks, self.pipeline[rows], self.position[rows]
        process = tracks.codes[pipeline, np.maximum(position, 0)]
        lost = tracks.lost[pipeline, self._lost_kind[rows]]
        stages: Ints = np.select([position == _WON, position == _LOST], [tracks.won[pipeline], lost], process)
        return stages

    def _record(self, rows: Ints, types: Ints) -> None:
        category = self._tracks.categories[self.pipeline[rows]]
        self._log.append((rows, types, category, self._stage_of(rows), self.moment[rows]))

    def _moves(self) -> Moves:
        owner, types, category, stage, moment = (
            np.concatenate(parts) for parts in zip(*self._log, strict=True)
        )
        order = np.lexsort([owner, moment])
        return Moves(owner[order], types[order], category[order], stage[order], moment[order])
