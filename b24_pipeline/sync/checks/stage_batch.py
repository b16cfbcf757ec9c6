"""What one stage check asks a portal: counts of every stage, rows of those whose turn it is, and later changes.

The changes are asked for last, so that they include every change that the counts may know of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from b24_pipeline.bitrix.answers import BatchAnswer, Row
from b24_pipeline.bitrix.batch import MAX_COMMANDS, Command
from b24_pipeline.bitrix.lists.head import ListHead
from b24_pipeline.bitrix.lists.pages import Chunk, ListQuery, walk
from b24_pipeline.bitrix.lists.ranges import IdRange
from b24_pipeline.bitrix.lists.read import read_list
from b24_pipeline.entities.decode import row_id
from b24_pipeline.errors import PortalError
from b24_pipeline.log import logger
from b24_pipeline.store.checks.stages import Amount, Place, Standing, StoredStage, Window
from b24_pipeline.sync.checks.stage_queries import CountedStage, StageQueries, rows_by_id
from b24_pipeline.sync.checks.totals import ExpectedTotal, is_total, read_total
from b24_pipeline.sync.checks.turns import Turns
from b24_pipeline.sync.job import Job

log = logger("sync")


@dataclass(frozen=True, slots=True)
class PortalRows:
    """All rows that the portal has within a window of a stage: their amounts by id."""

    window: Window
    rows: Mapping[int, Amount]

    @property
    def is_whole(self) -> bool:
        """Whether these are all rows of the stage."""
        return self.window.after == 0 and self.window.upto is None


@dataclass(slots=True)
class StageAnswers:
    """The portal's answers to one check.

    `changed`: by entity, the rows that were changed after the sync began. `read_upto`: the id up to which a
    stage was read in its turn, 0 where it was read to its end. `totals`: by entity, how many rows were counted in all;
    an entity that the portal refused is left out.
    """

    counts: dict[Place, CountedStage] = field(default_factory=dict)
    rows: list[PortalRows] = field(default_factory=list)
    changed: dict[str, dict[int, Standing]] = field(default_factory=dict)
    read_upto: dict[Place, int] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _LargeStage:
    """A large stage whose rows are read after an id."""

    place: Place
    query: ListQuery
    commands: Mapping[str, Command]
    after: int


class StageBatch:
    """The questions of one check to one portal.

    `starts`: when the last sync of each entity began. `totals`: by entity, the count of all of its rows.
    """

    def __init__(
        self,
        job: Job,
        queries: Mapping[str, StageQueries],
        starts: Mapping[str, datetime],
        totals: Mapping[str, ExpectedTotal],
    ) -> None:
        self._job = job
        self._queries = queries
        self._starts = starts
        self._totals = totals
        self._answers = StageAnswers()
        self._with_rows: set[Place | str] = set()  # stages, and entities whose total is counted

    def ask(self, stages: Sequence[StoredStage], turns: Turns) -> StageAnswers:
        """Counts these stages, fifty a request, and reads those whose turn it is; raises the portal's errors.

        Most counts are asked for without rows. Where one is not the expected one it is asked for again with the first
        rows, and the later changes after it.
        """
        counts = {f"stage_{number}": self._count(stage, turns) for number, stage in enumerate(stages)}
        counts |= {f"other_{entity}": self._other_stages(entity, stages) for entity in self._queries}
        counts |= {f"all_{entity}": total.command() for entity, total in self._totals.items()}
        changes = {entity: self._changes(entity) for entity in self._queries}
        later = {key: command for head in changes.values() for key, command in head.commands().items()}
        large = [
            self._large_stage(f"turn_{number}", turn.stage, turn.pages)
            for number, turn in enumerate(turns.large)
        ]
        rows = {key: command for stage in large for key, command in stage.commands.items()}
        answer = self._send(counts, {**rows, **later})
        doubted = self._doubted(answer, stages)
        if doubted:
            # all of them: what was changed after the one answer would be no later change to the other
            answer.take(self._send({**counts, **doubted}, later))
        for number, stage in enumerate(stages):
            self._take_count(answer, f"stage_{number}", stage.place)
        for entity in self._queries:
            self._take_other_stages(answer, entity, stages)
        for entity in self._totals:
            self._take_total(answer, entity)
        for large_stage in large:
            self._take_large_stage(answer, large_stage)
        self._take_first_rows(turns)
        for entity, head in changes.items():
            self._answers.changed[entity] = self._changed(answer, entity, head)
        return self._answers

    def _count(self, stage: StoredStage, turns: Turns) -> Command:
        queries = self._queries[stage.place.entity]
        if stage.place in turns.small:
            self._with_rows.add(stage.place)
            return queries.count_command(stage.place)
        return queries.number_command(stage.place, stage.entities)

    def _doubted(self, answer: BatchAnswer, stages: Sequence[StoredStage]) -> dict[str, Command]:
        """The commands that ask once more, with rows, for each count that is not what our copy has."""
        doubted: dict[str, Command] = {}
        for number, stage in enumerate(stages):
            key, place = f"stage_{number}", stage.place
            if place not in self._with_rows and not is_total(answer, key, stage.entities):
                self._with_rows.add(place)
                doubted[key] = self._queries[place.entity].count_command(place)
        for entity, total in self._totals.items():
            key = f"all_{entity}"
            if key not in answer.errors and not is_total(answer, key, total.expected):
                self._with_rows.add(entity)
                doubted[key] = total.command(doubted=True)
        return doubted

    def _other_stages(self, entity: str, stages: Sequence[StoredStage]) -> Command:
        return self._queries[entity].other_stages_command(_codes(stages, entity))

    def _changes(self, entity: str) -> ListHead:
        return ListHead(f"changed_{entity}", self._queries[entity].changed_query(self._starts[entity]))

    def _large_stage(self, prefix: str, stage: StoredStage, pages: int) -> _LargeStage:
        query = self._queries[stage.place.entity].rows_query(stage.place)
        commands = query.chain(prefix, stage.read_upto, None, pages)
        return _LargeStage(stage.place, query, commands, stage.read_upto)

    def _send(self, counts: Mapping[str, Command], last: Mapping[str, Command]) -> BatchAnswer:
        """Sends the counts; the last commands go with the last counts, or alone where they do not fit."""
        entries, answer = list(counts.items()), BatchAnswer()
        parts = [
            dict(entries[start : start + MAX_COMMANDS]) for start in range(0, len(entries), MAX_COMMANDS)
        ]
        if parts and len(parts[-1]) + len(last) <= MAX_COMMANDS:
            parts[-1] |= last
        else:
            parts.append(dict(last))
        for part in parts:
            answer.take(self._job.client.batch(part))
        return answer

    def _take_count(self, answer: BatchAnswer, key: str, place: Place) -> None:
        queries = self._queries[place.entity]
        if place in self._with_rows:
            self._answers.counts[place] = queries.read_count(answer, key, place)
        else:
            total = queries.read_total(answer, key)
            self._answers.counts[place] = CountedStage(total, {}, 0 if total else None)

    def _take_other_stages(self, answer: BatchAnswer, entity: str, stages: Sequence[StoredStage]) -> None:
        """Counts the rows in stages that neither our copy nor the directories know."""
        by_stage: defaultdict[Place, dict[int, Amount]] = defaultdict(dict)
        rows = self._queries[entity].read_other_stages(answer, f"other_{entity}", _codes(stages, entity))
        for number, standing in rows.items():
            if standing.place.status:
                by_stage[standing.place][number] = standing.amount
        for place, amounts in by_stage.items():
            self._answers.counts[place] = CountedStage(len(amounts), amounts, None)

    def _take_total(self, answer: BatchAnswer, entity: str) -> None:
        key, total = f"all_{entity}", self._totals[entity]
        try:
            if entity not in self._with_rows and is_total(answer, key, total.expected):
                self._answers.totals[entity] = total.expected
            else:
                self._answers.totals[entity] = read_total(self._job.portal.name, answer, key, total.entity)
        except PortalError as error:
            log.warning("rows are not counted", portal=self._job.portal.name, entity=entity, error=str(error))

    def _take_large_stage(self, answer: BatchAnswer, stage: _LargeStage) -> None:
        walked = walk(self._job.portal.name, stage.query, answer, list(stage.commands), stage.after, None)
        if walked.error:
            raise walked.error
        rows = rows_by_id(self._queries[stage.place.entity], walked.rows)
        window = Window(stage.place, stage.after, None if walked.complete else walked.covered)
        self._answers.rows.append(PortalRows(window, rows))
        self._answers.read_upto[stage.place] = 0 if walked.complete else walked.covered

    def _take_first_rows(self, turns: Turns) -> None:
        """Takes the rows that came with the counts, except of large stages that were read from their beginning."""
        begun = {rows.window.place for rows in self._answers.rows if rows.window.after == 0}
        for place, counted in self._answers.counts.items():
            if place in turns.small:
                self._answers.read_upto[place] = counted.upto or 0
            if place not in begun and counted.upto != 0:
                self._answers.rows.append(PortalRows(Window(place, 0, counted.upto), counted.rows))

    def _changed(self, answer: BatchAnswer, entity: str, head: ListHead) -> dict[int, Standing]:
        """All later changes, also those beyond the page that came with the counts; during a sync few are made."""
        queries = self._queries[entity]
        head.take(self._job.portal.name, list(head.commands()), answer)
        chunk = head.chunk()
        rows = [*_rows(chunk), *(() if head.is_complete else self._rest(head, chunk.left))]
        return {row_id(row): queries.standing(row) for row in rows}

    def _rest(self, head: ListHead, left: Sequence[IdRange]) -> list[Row]:
        chunks = read_list(
            self._job.client,
            head.query,
            left,
            concurrency=self._job.options.concurrency,
            first_pages=min(head.pages, MAX_COMMANDS - 1),
        )
        return [row for chunk in chunks for row in _rows(chunk)]


def _rows(chunk: Chunk) -> list[Row]:
    return [row for piece in chunk.pieces for row in piece.rows]


def _codes(stages: Sequence[StoredStage], entity: str) -> list[str]:
    return [stage.place.status for stage in stages if stage.place.entity == entity]
