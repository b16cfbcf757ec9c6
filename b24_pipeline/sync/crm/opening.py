"""The opening of a sync: the first questions of its steps, asked in one request.

The step that comes first sends it, and each finds its own answers there. A step whose questions were not answered
asks by itself, as it would without an opening. What a list lacks after its first page is asked for by a second
request, if all of it fits in there.

The commands of a batch run in order. So entities stand before their moves: a move that is made meanwhile may be in
the moves and not in the entities, and never the other way round. Where an entity's list goes on in the second
request, its moves are asked for once more after it; where it goes on later, its moves are not taken from here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import TypeAlias
from uuid import UUID

from b24_pipeline.bitrix.answers import BatchAnswer
from b24_pipeline.bitrix.batch import MAX_COMMANDS, Command
from b24_pipeline.bitrix.lists.head import ListHead
from b24_pipeline.errors import B24Error, PortalError
from b24_pipeline.errors.groups import PASSING, STOPS_PORTAL, TOO_HEAVY
from b24_pipeline.log import logger
from b24_pipeline.store.crm import cursors
from b24_pipeline.store.crm.cursors import Cursor
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.sync.crm.clock import KEY, TIME_COMMAND, told_time
from b24_pipeline.sync.failures import explained
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.outcome import Outcome

log = logger("sync")

Begin: TypeAlias = Callable[[Cursor], ListHead | None]
"""A function that begins a list at its cursor; None where the list is to be read in another way."""

FOLLOWED_COMMANDS = MAX_COMMANDS
"""Commands of the second request."""

SCOPES = ("incremental", "full")
"""Loads of an entity that another process may have under way."""


class Opening:
    """The first questions of one sync of one portal. For one thread."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.asked_at: datetime | None = None
        self._questions: list[OpenedQuestions] = []
        self._lists: list[OpenedList] = []
        self._is_asked = False

    def questions(self, commands: Mapping[str, Command]) -> OpenedQuestions:
        """Adds questions whose answers a step takes as they are."""
        added = OpenedQuestions(self, commands)
        self._questions.append(added)
        return added

    def list_of(self, name: str, begin: Begin, *, moves_of: OpenedList | None = None) -> OpenedList:
        """Adds a list, by its name among the cursors; `moves_of`: the entities that must be read before it."""
        added = OpenedList(self, name, begin, moves_of)
        self._lists.append(added)
        return added

    def ask(self, outcome: Outcome) -> None:
        """Sends the questions, once. Their requests are this outcome's; each step takes its own operating seconds.

        Raises the portal's error where it stops all work on the portal; after any other error each step asks by
        itself.
        """
        if self._is_asked:
            return
        self._is_asked = True
        before = self.job.client.usage.operating_seconds
        try:
            self._ask()
        except PortalError as error:
            if isinstance(error, STOPS_PORTAL) and not isinstance(error, TOO_HEAVY):
                raise
            log.warning("not asked in one request", portal=self.job.portal.name, error=str(error))
        spent = self.job.client.usage.operating_seconds - before
        outcome.operating_seconds -= spent
        self._share(spent)

    def _ask(self) -> None:
        for one in self._lists:
            one.begin()
        self._leave_held()
        clock = self.job.client.clock
        first = {key: command for part in self._parts() for key, command in part.commands().items()}
        answer = self._send({KEY: TIME_COMMAND, **first})
        self.asked_at = clock or self.job.client.clock or told_time(self.job, answer)
        for part in self._parts():
            part.take(list(part.commands()), answer)
        followed = self._followed()
        commands = {one: one.following() for one in followed}
        if commands:
            answer = self._send(dict(chain.from_iterable(each.items() for each in commands.values())))
            for one, asked in commands.items():
                one.take(list(asked), answer)

    def _leave_held(self) -> None:
        """Leaves to their steps the questions of methods whose operating time is used up: the others would wait."""
        asked = {command.method for part in self._parts() for command in part.commands().values()}
        held = self.job.client.held(asked)
        for part in self._parts():
            if any(command.method.lower() in held for command in part.commands().values()):
                part.leave()

    def _parts(self) -> Sequence[OpenedQuestions | OpenedList]:
        return [*self._questions, *self._lists]

    def _send(self, commands: Mapping[str, Command]) -> BatchAnswer:
        answer = BatchAnswer()
        entries = list(commands.items())
        for start in range(0, len(entries), MAX_COMMANDS):
            part = dict(entries[start : start + MAX_COMMANDS])
            # not `batch`, which repeats commands out of order
            answer.take(self.job.client.open_batch(part, self.job.client.send_batch(part)))
        return answer

    def _followed(self) -> list[OpenedList]:
        """The lists that go on in the second request, each with the moves that have to be asked for after it."""
        chosen: list[OpenedList] = []
        room = FOLLOWED_COMMANDS
        for one in self._lists:
            group = [one, *(moves for moves in self._lists if moves.moves_of is one)]
            if one in chosen or not one.goes_on:
                continue
            needed = sum(len(part.following(again=True)) for part in group)
            if needed <= room and not (one.moves_of and one.moves_of.goes_on):
                chosen += group
                room -= needed
        for one in chosen:
            one.is_followed = True
        return [one for one in self._lists if one in chosen and one.following()]

    def _share(self, spent: float) -> None:
        """Shares operating seconds among the steps, by how long their commands ran."""
        parts = self._parts()
        whole = sum(part.duration for part in parts)
        for part in parts:
            part.operating_seconds = spent * part.duration / whole if whole else spent / len(parts)


class _OpenedPart:
    """What one step has asked for in an opening."""

    def __init__(self, opening: Opening) -> None:
        self.opening = opening
        self.duration = 0.0
        self.operating_seconds = 0.0

    def note_times(self, keys: Sequence[str], answer: BatchAnswer) -> None:
        self.duration += sum(answer.times[key].duration for key in keys if key in answer.times)

    def ask(self, outcome: Outcome) -> None:
        """Has the opening sent, and bills this outcome for its part."""
        self.opening.ask(outcome)
        outcome.operating_seconds += self.operating_seconds
        self.operating_seconds = 0.0


class OpenedQuestions(_OpenedPart):
    """Questions of one step whose answers are taken as they are."""

    def __init__(self, opening: Opening, commands: Mapping[str, Command]) -> None:
        super().__init__(opening)
        self._commands = dict(commands)
        self._is_left = False
        self._answer = BatchAnswer()

    def commands(self) -> Mapping[str, Command]:
        return {} if self._is_left else self._commands

    def leave(self) -> None:
        """Leaves all questions to the step."""
        self._is_left = True

    def take(self, keys: Sequence[str], answer: BatchAnswer) -> None:
        self._answer.take(answer)
        self.note_times(keys, answer)

    def answers(self, outcome: Outcome) -> BatchAnswer:
        """The answers; what was not answered, or in a way that may pass, is asked once more."""
        self.ask(outcome)
        left = {key: command for key, command in self._commands.items() if not self._is_answered(key)}
        if left:
            self._answer.take(self.opening.job.client.batch(left))
        return self._answer

    def _is_answered(self, key: str) -> bool:
        error = self._answer.errors.get(key)
        return key in self._answer.results or not (error is None or isinstance(error, PASSING))


class OpenedList(_OpenedPart):
    """A list whose head is asked for in an opening."""

    def __init__(self, opening: Opening, name: str, begin: Begin, moves_of: OpenedList | None) -> None:
        super().__init__(opening)
        self.name = name
        self.moves_of = moves_of
        self.is_followed = False
        self._begin = begin
        self._head: ListHead | None = None
        self._cursor = Cursor()
        self._is_used = False
        self._ended: Cursor | None = None

    def begin(self) -> None:
        """Begins the list at its cursor; an error is left to the step, which meets it as well."""
        job = self.opening.job
        try:
            with explained(job.portal.name, f"syncing {self.name}"):
                self._cursor = job.transact(cursors.cursor_of, self.name)
                self._head = self._begin(self._cursor)
        except B24Error as error:
            log.warning(
                "not asked in one request", portal=job.portal.name, entity=self.name, error=str(error)
            )

    @property
    def asked_at(self) -> datetime | None:
        """The portal's time before the first question of the opening."""
        return self.opening.asked_at

    @property
    def goes_on(self) -> bool:
        """Whether the list has more rows than have come."""
        return self._head is not None and self._head.error is None and not self._head.is_complete

    def leave(self) -> None:
        """Leaves the list to the step."""
        self._head = None

    def commands(self) -> Mapping[str, Command]:
        return self._head.commands() if self._head else {}

    def following(self, *, again: bool = False) -> Mapping[str, Command]:
        """The commands that ask for what is left, once more for moves whose entities go on as well."""
        if self._head is None or self._head.error:
            return {}
        after_more = self.moves_of is not None and self.moves_of.is_followed
        return self._head.commands(again=again or after_more) if self.goes_on or again or after_more else {}

    def take(self, keys: Sequence[str], answer: BatchAnswer) -> None:
        if self._head is None:
            return
        if any(isinstance(answer.errors.get(key), PASSING) or not _came(key, answer) for key in keys):
            self.leave()  # it may work when the step asks
            return
        self._head.take(self.opening.job.portal.name, keys, answer)
        self.note_times(keys, answer)

    def head(self, outcome: Outcome) -> ListHead | None:
        """The head of the list; None where the step has to ask by itself.

        To be called while nobody else can sync this list: what another process has synced since the opening would
        be newer.
        """
        self.ask(outcome)
        if self._head is None or not self._head.is_asked or self.opening.asked_at is None:
            return None
        self._is_used = self.opening.job.warehouse.transact(self._still_holds)
        return self._head if self._is_used else None

    def note_ended(self) -> None:
        """Notes that the load of the list has ended with what the opening brought."""
        if self._is_used and self._head and self._head.is_complete:
            self._ended = self.opening.job.transact(cursors.cursor_of, self.name)

    def _still_holds(self, connection: Connection) -> bool:
        account: UUID = self.opening.job.portal.id
        if cursors.cursor_of(connection, account, self.name) != self._cursor:
            return False
        return self.moves_of is None or self.moves_of.is_as_it_ended(connection, account)

    def is_as_it_ended(self, connection: Connection, account: UUID) -> bool:
        """Whether the rows of this list were read by the opening alone, and by nobody else since."""
        return (
            self._ended is not None
            and cursors.cursor_of(connection, account, self.name) == self._ended
            and not any(cursors.load_under_way(connection, account, self.name, scope) for scope in SCOPES)
        )


def _came(key: str, answer: BatchAnswer) -> bool:
    return key in answer.results or key in answer.errors
