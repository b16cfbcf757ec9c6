"""Fetches objects by their ids in as few requests as possible, so that one unreadable object stops no other.

Fifty ids go into a command and fifty commands into a batch (`@ID`: docs/bitrix24-rest.md, sections 3.5 and 5).
A list leaves out deleted objects and those that we may not see: `crm.*.get` tells them apart (section 6.9).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from b24_pipeline.bitrix.answers import BatchAnswer, Row, rows_of
from b24_pipeline.bitrix.batch import MAX_COMMANDS, Command
from b24_pipeline.bitrix.client import BitrixClient
from b24_pipeline.bitrix.lists.ranges import PAGE_ROWS
from b24_pipeline.errors import (
    AccessDenied,
    ApiError,
    ObjectNotFound,
    PortalError,
    UnreadableAnswer,
)
from b24_pipeline.errors.groups import REFUSES_ENTITY, REFUSES_PORTAL, TOO_HEAVY
from b24_pipeline.sync.crm.entity_copy import EntityCopy

ObjectKey = tuple[str, int]
"""The entity type and id of an object."""


@dataclass(slots=True)
class FetchedObjects:
    """What the portal answered for the objects that were asked for.

    `rows` by entity type; `gone` were deleted, `hidden` exist perhaps but we may not see them, and `failed` could
    not be read. `extra_answer` has the answers to the extra commands that were sent along.
    """

    rows: dict[str, list[Row]] = field(default_factory=dict)
    gone: set[ObjectKey] = field(default_factory=set)
    hidden: set[ObjectKey] = field(default_factory=set)
    failed: dict[ObjectKey, PortalError] = field(default_factory=dict)
    extra_answer: BatchAnswer = field(default_factory=BatchAnswer)


class ObjectFetcher:
    """Fetches objects through one client, by an entity copy for each entity type; made for one `fetch`."""

    def __init__(self, client: BitrixClient, entity_copies: Mapping[str, EntityCopy]) -> None:
        self._client = client
        self._entity_copies = entity_copies
        self._fetched = FetchedObjects()

    def fetch(
        self, objects: Sequence[ObjectKey], deleted: Iterable[ObjectKey], extra: Mapping[str, Command]
    ) -> FetchedObjects:
        """Fetches all of the objects.

        `deleted`: objects that an event named as deleted; they count as gone if the list leaves them out.
        `extra`: commands to send in the same request where it has room; they may refer to one another.
        Raises PortalError where the portal cannot be read at all.
        """
        groups = self._groups(objects)
        commands = {key: self._list_command(group) for key, group in groups.items()}
        answer = self._ask(commands, extra)
        again = [key for name, group in groups.items() for key in self._take(answer, name, group)]
        if again:
            self._fetch_singly(again)
        self._look_up_absent(objects, set(deleted))
        return self._fetched

    def _groups(self, objects: Sequence[ObjectKey]) -> dict[str, list[ObjectKey]]:
        """Groups of at most fifty objects of one entity, by the key of their command."""
        groups: dict[str, list[ObjectKey]] = {}
        for name in self._entity_copies:
            own = sorted(key for key in objects if key[0] == name)
            for start in range(0, len(own), PAGE_ROWS):
                groups[f"{name}_{start}"] = own[start : start + PAGE_ROWS]
        return groups

    def _list_command(self, group: Sequence[ObjectKey]) -> Command:
        return self._entity_copies[group[0][0]].query_by_id().by_ids([number for _, number in group])

    def _ask(self, commands: Mapping[str, Command], extra: Mapping[str, Command]) -> BatchAnswer:
        answer = BatchAnswer()
        entries = list(commands.items())
        for start in range(0, len(entries), MAX_COMMANDS):
            answer.take(self._send(dict(entries[start : start + MAX_COMMANDS]), extra))
        return answer

    def _send(self, commands: dict[str, Command], extra: Mapping[str, Command]) -> BatchAnswer:
        """Sends one batch, in halves if it is too heavy for the portal; a single failed command becomes its error."""
        if len(commands) + len(extra) > MAX_COMMANDS:
            extra = {}
        try:
            together = {**commands, **extra}
            answer = self._client.open_batch(together, self._client.send_batch(together))
        except TOO_HEAVY as error:
            if extra:
                return self._send(commands, {})
            if len(commands) == 1 and isinstance(error, ApiError):
                return BatchAnswer(errors=dict.fromkeys(commands, error))
            if len(commands) == 1:
                raise
            return self._halves(commands)
        for key in extra:
            self._take_extra(answer, key)
        return answer

    def _halves(self, commands: dict[str, Command]) -> BatchAnswer:
        entries, answer = list(commands.items()), BatchAnswer()
        middle = len(entries) // 2
        for half in (entries[:middle], entries[middle:]):
            answer.take(self._send(dict(half), {}))
        return answer

    def _take_extra(self, answer: BatchAnswer, key: str) -> None:
        if key in answer.results:
            self._fetched.extra_answer.results[key] = answer.results.pop(key)
        if key in answer.errors:
            self._fetched.extra_answer.errors[key] = answer.errors.pop(key)

    def _take(self, answer: BatchAnswer, key: str, group: Sequence[ObjectKey]) -> list[ObjectKey]:
        """Takes the rows of one command; returns the objects that have to be fetched singly."""
        name, client = group[0][0], self._client
        error: PortalError | None = answer.errors.get(key)
        if error is None:
            try:
                wrapper = self._entity_copies[name].entity.wrapper
                self._take_rows(name, rows_of(answer.results[key], wrapper), group)
            except (KeyError, TypeError, ValueError):
                method = self._entity_copies[name].entity.method
                error = UnreadableAnswer(client.portal, f"{method}: expected rows by their ids")
        if error is None:
            return []
        if isinstance(error, REFUSES_PORTAL):
            raise error
        if len(group) > 1 and not isinstance(error, REFUSES_ENTITY):
            return list(group)
        self._fetched.failed |= dict.fromkeys(group, error)
        return []

    def _take_rows(self, name: str, rows: Sequence[Row], group: Sequence[ObjectKey]) -> None:
        """Takes the rows that were asked for: a portal that ignores the filter sends other rows too."""
        asked = {number for _, number in group}
        ids = self._entity_copies[name].ids_of(rows)
        found = [row for row, number in zip(rows, ids, strict=True) if number in asked]
        self._fetched.rows.setdefault(name, []).extend(found)

    def _fetch_singly(self, objects: Sequence[ObjectKey]) -> None:
        singles = {f"{name}_{number}": [(name, number)] for name, number in objects}
        answer = self._ask({key: self._list_command(group) for key, group in singles.items()}, {})
        for key, group in singles.items():
            self._take(answer, key, group)

    def _look_up_absent(self, objects: Sequence[ObjectKey], deleted: set[ObjectKey]) -> None:
        """Decides on objects that no list has shown: they are gone if an event or `get` says so."""
        fetched = self._fetched
        seen = {
            (name, number)
            for name, rows in fetched.rows.items()
            for number in self._entity_copies[name].ids_of(rows)
        }
        absent = [key for key in objects if key not in seen and key not in fetched.failed]
        fetched.gone |= {key for key in absent if key in deleted}
        doubtful = {
            f"{name}_{number}": (name, number) for name, number in absent if (name, number) not in deleted
        }
        commands = {key: self._get_command(*object_key) for key, object_key in doubtful.items()}
        answer = self._ask(commands, {}) if commands else BatchAnswer()
        for command, key in doubtful.items():
            self._take_single(answer, command, key)

    def _take_single(self, answer: BatchAnswer, command: str, key: ObjectKey) -> None:
        """Takes the answer to `get` of one object; `command` is its key in the batch."""
        error, (name, number) = answer.errors.get(command), key
        entity = self._entity_copies[name].entity
        row = _single(answer.results.get(command), entity.single)
        if isinstance(error, ObjectNotFound):
            self._fetched.gone.add(key)
        elif isinstance(error, AccessDenied):
            self._fetched.hidden.add(key)
        elif isinstance(error, REFUSES_PORTAL):
            raise error
        elif error is None and isinstance(row, dict) and str(row.get(entity.id_field)) == str(number):
            self._fetched.rows.setdefault(name, []).append(row)
        else:
            unreadable = UnreadableAnswer(
                self._client.portal, f"{entity.get_method}: expected a row with its {entity.id_field}"
            )
            self._fetched.failed[key] = error or unreadable

    def _get_command(self, name: str, number: int) -> Command:
        entity = self._entity_copies[name].entity
        return Command(entity.get_method, {**dict(entity.params), **dict(entity.row_params), "id": number})


def _single(result: Any, wrapper: str | None) -> Any:
    """The row in the answer to `get`, taken out of its wrapper."""
    return result.get(wrapper) if wrapper and isinstance(result, dict) else result
