"""What one stage check asks a portal: counts of every stage, some rows of large stages, and later changes.

The changes are asked for last, so that they include every change that the counts may know of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from b24_pipeline.bitrix.answers import BatchAnswer, Row
from b24_pipeline.bitrix.batch import MAX_COMMANDS, Command
from b24_pipeline.bitrix.lists.pages import ListQuery, walk
from b24_pipeline.bitrix.lists.ranges import PAGE_ROWS, IdRange
from b24_pipeline.bitrix.lists.read import read_list
from b24_pipeline.entities.decode import row_id
from b24_pipeline.errors import PortalError
from b24_pipeline.log import logger
from b24_pipeline.store.checks.stages import Amount, Place, Standing, StoredStage, Window
from b24_pipeline.sync.checks.stage_queries import CountedStage, StageQueries, rows_by_id
from b24_pipeline.sync.checks.totals import read_total
from b24_pipeline.sync.job import Job

log = logger("sync")

ROW_PAGES = 20
"""Pages of large stages that one check reads beside the counts: a thousand rows."""

LEAST_PAGES = 10
"""If fewer pages than this fit into the request of the counts, the rows have a request of their own."""

CHANGED_PAGES = 2
"""Pages of later changes in the same request: during a sync few are made."""

LONG_AGO = datetime.min.replace(tzinfo=UTC)


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
    large stage was read, 0 where it was read to its end. `totals`: by entity, how many rows were counted in all;
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

    `starts`: when the last sync of each entity began. `totals`: by entity, the command that counts all of its rows.
    """

    def __init__(
        self,
        job: Job,
        queries: Mapping[str, StageQueries],
        starts: Mapping[str, datetime],
        totals: Mapping[str, Command],
    ) -> None:
        self._job = job
        self._queries = queries
        self._starts = starts
        self._totals = totals
        self._answers = StageAnswers()

    def ask(self, stages: Sequence[StoredStage]) -> StageAnswers:
        """Counts these stages, fifty a request, and reads what fits beside; raises what the portal answers instead."""
        counts = {f"stage_{number}": self._count(stage.place) for number, stage in enumerate(stages)}
        counts |= {f"other_{entity}": self._other_stages(entity, stages) for entity in self._queries}
        counts |= {f"all_{entity}": command for entity, command in self._totals.items()}
        changes = {entity: self._changed_commands(entity) for entity in self._queries}
        large = self._large_stages(stages, self._pages_of_rows(len(counts), sum(map(len, changes.values()))))
        last = {key: command for stage in large for key, command in stage.commands.items()}
        last |= {key: command for commands in changes.values() for key, command in commands.items()}
        answer = self._send(counts, last)
        for number, stage in enumerate(stages):
            self._take_count(answer, f"stage_{number}", stage.place)
        for entity in self._queries:
            self._take_other_stages(answer, entity, stages)
        for entity in self._totals:
            self._take_total(answer, entity)
        for large_stage in large:
            self._take_large_stage(answer, large_stage)
        self._take_first_rows()
        for entity, commands in changes.items():
            self._answers.changed[entity] = self._changed(answer, entity, commands)
        return self._answers

    def _count(self, place: Place) -> Command:
        return self._queries[place.entity].count_command(place)

    def _other_stages(self, entity: str, stages: Sequence[StoredStage]) -> Command:
        return self._queries[entity].other_stages_command(_codes(stages, entity))

    def _changed_commands(self, entity: str) -> dict[str, Command]:
        query = self._queries[entity].changed_query(self._starts[entity])
        return query.chain(f"changed_{entity}", 0, None, CHANGED_PAGES)

    def _pages_of_rows(self, counts: int, changes: int) -> int:
        """How many pages of large stages fit beside the last counts and the changes, or into a request of their own."""
        room = MAX_COMMANDS - (counts % MAX_COMMANDS or MAX_COMMANDS) - changes
        return ROW_PAGES if room < LEAST_PAGES else min(room, ROW_PAGES)

    def _large_stages(self, stages: Sequence[StoredStage], room: int) -> list[_LargeStage]:
        """The large stages that were not read for the longest time, as many pages as there is room for.

        A stage that could be read whole, and so be summed, is not begun if the room left is too small for it.
        """
        whole, chosen = room, list[_LargeStage]()
        large = [stage for stage in stages if stage.entities > PAGE_ROWS]
        for stage in sorted(large, key=lambda stage: stage.read_at or LONG_AGO):
            pages = stage.entities // PAGE_ROWS + 2
            if room and (pages <= room or pages > whole):
                chosen.append(self._large_stage(f"turn_{len(chosen)}", stage, min(pages, room)))
                room -= min(pages, room)
        return chosen

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
        self._answers.counts[place] = self._queries[place.entity].read_count(answer, key, place)

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
        key = f"all_{entity}"
        try:
            self._answers.totals[entity] = read_total(
                self._job.portal.name, answer, key, self._totals[entity].method
            )
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

    def _take_first_rows(self) -> None:
        """Takes the rows that came with the counts, except of large stages that were read from their beginning."""
        begun = {rows.window.place for rows in self._answers.rows if rows.window.after == 0}
        for place, counted in self._answers.counts.items():
            if place not in begun:
                self._answers.rows.append(PortalRows(Window(place, 0, counted.upto), counted.rows))

    def _changed(
        self, answer: BatchAnswer, entity: str, commands: Mapping[str, Command]
    ) -> dict[int, Standing]:
        """All later changes, also those beyond the pages that came with the counts."""
        queries = self._queries[entity]
        query = queries.changed_query(self._starts[entity])
        walked = walk(self._job.portal.name, query, answer, list(commands), 0, None)
        if walked.error:
            raise walked.error
        rows = [*walked.rows, *(() if walked.complete else self._rest(query, walked.covered))]
        return {row_id(row): queries.standing(row) for row in rows}

    def _rest(self, query: ListQuery, after: int) -> list[Row]:
        chunks = read_list(
            self._job.client, query, [IdRange(after, None)], concurrency=self._job.options.concurrency
        )
        return [row for chunk in chunks for piece in chunk.pieces for row in piece.rows]


def _codes(stages: Sequence[StoredStage], entity: str) -> list[str]:
    return [stage.place.status for stage in stages if stage.place.entity == entity]
