"""What the portal is asked in one check: every stage counted, some rows of large stages, what was changed since.

What was changed is asked for last, so that it has every change that the counts may know of.
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
from b24_pipeline.store.checks.stages import Amount, Place, Standing, StoredStage, Window
from b24_pipeline.sync.checks.stage_queries import CountedStage, StageLists, rows_by_id
from b24_pipeline.sync.job import Job

ROW_PAGES = 20
"""Pages of large stages that are read beside the counts in one check: a thousand rows."""

LEAST_PAGES = 10
"""With less room than that beside the counts, they have a request of their own."""

CHANGED_PAGES = 2
"""Pages of changes that come along; few are made during a sync."""

LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PortalRows:
    """All rows that the portal has within a window."""

    window: Window
    rows: Mapping[int, Amount]

    @property
    def is_whole(self) -> bool:
        """Whether they are all rows of the stage."""
        return self.window.after == 0 and self.window.upto is None


@dataclass(slots=True)
class StageAnswers:
    """What the portal told. `turns`: how far large stages were read, 0 where to the end."""

    counts: dict[Place, CountedStage] = field(default_factory=dict)
    rows: list[PortalRows] = field(default_factory=list)
    changed: dict[str, dict[int, Standing]] = field(default_factory=dict)
    turns: dict[Place, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Turn:
    """A large stage whose rows are read after an id."""

    place: Place
    query: ListQuery
    commands: Mapping[str, Command]
    after: int


class StageBatch:
    """One check's question to one portal; `starts`: when the sync of each entity began."""

    def __init__(self, job: Job, lists: Mapping[str, StageLists], starts: Mapping[str, datetime]) -> None:
        self._job = job
        self._lists = lists
        self._starts = starts
        self._found = StageAnswers()

    def ask(self, stages: Sequence[StoredStage]) -> StageAnswers:
        """Counts these stages, fifty a request; raises what the portal answers instead."""
        counting = {f"stage_{number}": self._counting(one.place) for number, one in enumerate(stages)}
        counting |= {f"other_{entity}": self._elsewhere(entity, stages) for entity in self._lists}
        changes = {entity: self._changed_commands(entity) for entity in self._lists}
        along = sum(map(len, changes.values()))
        room = MAX_COMMANDS - (len(counting) % MAX_COMMANDS or MAX_COMMANDS) - along
        apart = room < LEAST_PAGES
        turns = self._turns(stages, ROW_PAGES if apart else min(room, ROW_PAGES))
        last = {key: command for one in turns for key, command in one.commands.items()}
        last |= {key: command for commands in changes.values() for key, command in commands.items()}
        answer = self._answers(counting, last)
        for number, one in enumerate(stages):
            self._take_count(answer, f"stage_{number}", one.place)
        for entity in self._lists:
            self._take_elsewhere(answer, entity, stages)
        for turn in turns:
            self._take_turn(answer, turn)
        self._take_first_rows()
        for entity, commands in changes.items():
            self._found.changed[entity] = self._changed(answer, entity, commands)
        return self._found

    def _counting(self, place: Place) -> Command:
        return self._lists[place.entity].counting(place)

    def _elsewhere(self, entity: str, stages: Sequence[StoredStage]) -> Command:
        return self._lists[entity].elsewhere(_codes(stages, entity))

    def _changed_commands(self, entity: str) -> dict[str, Command]:
        query = self._lists[entity].changed(self._starts[entity])
        return query.chain(f"changed_{entity}", 0, None, CHANGED_PAGES)

    def _turns(self, stages: Sequence[StoredStage], room: int) -> list[_Turn]:
        """The large stages that were not read for the longest time, as far as there is room.

        One that could be read whole, and so be summed, is not begun where it cannot be now.
        """
        whole, turns = room, list[_Turn]()
        large = [one for one in stages if one.entities > PAGE_ROWS]
        for one in sorted(large, key=lambda one: one.read_at or LONG_AGO):
            pages = one.entities // PAGE_ROWS + 2
            if room and (pages <= room or pages > whole):
                turns.append(self._turn(f"turn_{len(turns)}", one, min(pages, room)))
                room -= min(pages, room)
        return turns

    def _turn(self, prefix: str, one: StoredStage, pages: int) -> _Turn:
        query = self._lists[one.place.entity].of_stage(one.place)
        return _Turn(one.place, query, query.chain(prefix, one.read_upto, None, pages), one.read_upto)

    def _answers(self, counting: Mapping[str, Command], last: Mapping[str, Command]) -> BatchAnswer:
        """The last commands with the last of the counts, or apart where there is no room."""
        entries, answer = list(counting.items()), BatchAnswer()
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
        self._found.counts[place] = self._lists[place.entity].read_count(answer, key, place)

    def _take_elsewhere(self, answer: BatchAnswer, entity: str, stages: Sequence[StoredStage]) -> None:
        """Those in stages that neither we nor the directories know."""
        found: defaultdict[Place, dict[int, Amount]] = defaultdict(dict)
        others = self._lists[entity].read_elsewhere(answer, f"other_{entity}", _codes(stages, entity))
        for number, one in others.items():
            if one.place.status:
                found[one.place][number] = one.amount
        for place, rows in found.items():
            self._found.counts[place] = CountedStage(len(rows), rows, None)

    def _take_turn(self, answer: BatchAnswer, turn: _Turn) -> None:
        found = walk(self._job.portal.name, turn.query, answer, list(turn.commands), turn.after, None)
        if found.error:
            raise found.error
        rows = rows_by_id(self._lists[turn.place.entity], found.rows)
        window = Window(turn.place, turn.after, None if found.complete else found.covered)
        self._found.rows.append(PortalRows(window, rows))
        self._found.turns[turn.place] = 0 if found.complete else found.covered

    def _take_first_rows(self) -> None:
        """Those that came with the counts; not where a turn began with the same."""
        begun = {one.window.place for one in self._found.rows if one.window.after == 0}
        for place, counted in self._found.counts.items():
            if place not in begun:
                self._found.rows.append(PortalRows(Window(place, 0, counted.upto), counted.rows))

    def _changed(
        self, answer: BatchAnswer, entity: str, commands: Mapping[str, Command]
    ) -> dict[int, Standing]:
        """All of them, also those that did not come along."""
        lists = self._lists[entity]
        query = lists.changed(self._starts[entity])
        found = walk(self._job.portal.name, query, answer, list(commands), 0, None)
        if found.error:
            raise found.error
        rows = [*found.rows, *(() if found.complete else self._rest(query, found.covered))]
        return {row_id(row): lists.standing(row) for row in rows}

    def _rest(self, query: ListQuery, after: int) -> list[Row]:
        chunks = read_list(
            self._job.client, query, [IdRange(after, None)], concurrency=self._job.options.concurrency
        )
        return [row for chunk in chunks for piece in chunk.pieces for row in piece.rows]


def _codes(stages: Sequence[StoredStage], entity: str) -> list[str]:
    return [one.place.status for one in stages if one.place.entity == entity]
