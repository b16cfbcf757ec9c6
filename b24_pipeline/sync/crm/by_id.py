"""Objects fetched by their ids, as few requests as can be, one that cannot be read apart from the others.

Fifty ids a command and fifty commands a batch (`@ID`, fact sheet sections 3.5 and 5).
A list leaves out what is deleted and what we may not see: `crm.*.get` tells them apart (6.9).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from b24_pipeline.bitrix.answers import BatchAnswer, Row, rows_of
from b24_pipeline.bitrix.batch import MAX_COMMANDS, Command
from b24_pipeline.bitrix.client import BitrixClient
from b24_pipeline.bitrix.lists.ranges import PAGE_ROWS
from b24_pipeline.entities import BY_NAME
from b24_pipeline.entities.decode import row_id
from b24_pipeline.errors import (
    AccessDenied,
    ApiError,
    ObjectNotFound,
    PortalError,
    UnreadableAnswer,
)
from b24_pipeline.errors.groups import REFUSES_ENTITY, REFUSES_PORTAL, TOO_HEAVY
from b24_pipeline.sync.crm.reader import Reading

Object = tuple[str, int]
"""Entity type and id."""


@dataclass(slots=True)
class Fetched:
    """What became of the objects asked for.

    `rows` by entity; `gone` are deleted, `hidden` may exist and are not shown to us, and `failed` could not be read.
    """

    rows: dict[str, list[Row]] = field(default_factory=dict)
    gone: set[Object] = field(default_factory=set)
    hidden: set[Object] = field(default_factory=set)
    failed: dict[Object, PortalError] = field(default_factory=dict)
    more: BatchAnswer = field(default_factory=BatchAnswer)  # of the commands that came along


class Fetching:
    """Fetches objects through one client; `readings` say how each entity is asked for."""

    def __init__(self, client: BitrixClient, readings: Mapping[str, Reading]) -> None:
        self._client = client
        self._readings = readings
        self._fetched = Fetched()

    def fetch(
        self, objects: Sequence[Object], deleted: Iterable[Object], along: Mapping[str, Command]
    ) -> Fetched:
        """All of these; of `deleted` an event said that they are gone, so that a list without them is enough.

        `along`: commands for the same request, where it has room; they may lean on one another.
        Raises PortalError where the portal cannot be read at all.
        """
        groups = self._groups(objects)
        commands = {key: self._listed(group) for key, group in groups.items()}
        answer = self._ask(commands, along)
        again = [one for key, group in groups.items() for one in self._take(answer, key, group)]
        if again:
            self._one_by_one(again)
        self._second_look(objects, set(deleted))
        return self._fetched

    def _groups(self, objects: Sequence[Object]) -> dict[str, list[Object]]:
        """At most fifty of one entity each, by the key of their command."""
        groups: dict[str, list[Object]] = {}
        for name in self._readings:
            own = sorted(one for one in objects if one[0] == name)
            for start in range(0, len(own), PAGE_ROWS):
                groups[f"{name}_{start}"] = own[start : start + PAGE_ROWS]
        return groups

    def _listed(self, group: Sequence[Object]) -> Command:
        return self._readings[group[0][0]].query_by_id().by_ids([number for _, number in group])

    def _ask(self, commands: Mapping[str, Command], along: Mapping[str, Command]) -> BatchAnswer:
        answer = BatchAnswer()
        entries = list(commands.items())
        for start in range(0, len(entries), MAX_COMMANDS):
            answer.take(self._sent(dict(entries[start : start + MAX_COMMANDS]), along))
        return answer

    def _sent(self, commands: dict[str, Command], along: Mapping[str, Command]) -> BatchAnswer:
        """One batch; in halves where it is too heavy for the portal. One command's fault is an error of its own."""
        if len(commands) + len(along) > MAX_COMMANDS:
            along = {}
        try:
            together = {**commands, **along}
            answer = self._client.open_batch(together, self._client.send_batch(together))
        except TOO_HEAVY as error:
            if along:
                return self._sent(commands, {})
            if len(commands) == 1 and isinstance(error, ApiError):
                return BatchAnswer(errors=dict.fromkeys(commands, error))
            if len(commands) == 1:
                raise
            return self._halves(commands)
        for key in along:
            self._keep_along(answer, key)
        return answer

    def _halves(self, commands: dict[str, Command]) -> BatchAnswer:
        entries, answer = list(commands.items()), BatchAnswer()
        middle = len(entries) // 2
        for half in (entries[:middle], entries[middle:]):
            answer.take(self._sent(dict(half), {}))
        return answer

    def _keep_along(self, answer: BatchAnswer, key: str) -> None:
        if key in answer.results:
            self._fetched.more.results[key] = answer.results.pop(key)
        if key in answer.errors:
            self._fetched.more.errors[key] = answer.errors.pop(key)

    def _take(self, answer: BatchAnswer, key: str, group: Sequence[Object]) -> list[Object]:
        """Takes the rows of one command; returns the objects that are to be asked for one by one."""
        name, client = group[0][0], self._client
        error: PortalError | None = answer.errors.get(key)
        if error is None:
            try:
                self._keep(name, rows_of(answer.results[key]), group)
            except (KeyError, TypeError, ValueError):
                error = UnreadableAnswer(client.portal, f"{BY_NAME[name].method}: expected rows by their ids")
        if error is None:
            return []
        if isinstance(error, REFUSES_PORTAL):
            raise error
        if len(group) > 1 and not isinstance(error, REFUSES_ENTITY):
            return list(group)
        self._fetched.failed |= dict.fromkeys(group, error)
        return []

    def _keep(self, name: str, rows: Sequence[Row], group: Sequence[Object]) -> None:
        """Only what was asked for: a portal that ignores the filter sends other rows."""
        asked = {number for _, number in group}
        found = [row for row in rows if row_id(row) in asked]
        self._fetched.rows.setdefault(name, []).extend(found)

    def _one_by_one(self, objects: Sequence[Object]) -> None:
        singles = {f"{name}_{number}": [(name, number)] for name, number in objects}
        answer = self._ask({key: self._listed(group) for key, group in singles.items()}, {})
        for key, group in singles.items():
            self._take(answer, key, group)

    def _second_look(self, objects: Sequence[Object], deleted: set[Object]) -> None:
        """What no list has shown: gone, if an event said so or `get` does."""
        fetched = self._fetched
        seen = {(name, row_id(row)) for name, rows in fetched.rows.items() for row in rows}
        absent = [one for one in objects if one not in seen and one not in fetched.failed]
        fetched.gone |= {one for one in absent if one in deleted}
        doubtful = {
            f"{name}_{number}": (name, number) for name, number in absent if (name, number) not in deleted
        }
        commands = {
            key: Command(_get_method(name), {"id": number}) for key, (name, number) in doubtful.items()
        }
        answer = self._ask(commands, {}) if commands else BatchAnswer()
        for key, one in doubtful.items():
            self._judge(answer, key, one)

    def _judge(self, answer: BatchAnswer, key: str, one: Object) -> None:
        error, row = answer.errors.get(key), answer.results.get(key)
        if isinstance(error, ObjectNotFound):
            self._fetched.gone.add(one)
        elif isinstance(error, AccessDenied):
            self._fetched.hidden.add(one)
        elif isinstance(error, REFUSES_PORTAL):
            raise error
        elif error is None and isinstance(row, dict) and str(row.get("ID")) == str(one[1]):
            self._fetched.rows.setdefault(one[0], []).append(row)
        else:
            unreadable = UnreadableAnswer(
                self._client.portal, f"{_get_method(one[0])}: expected a row with its ID"
            )
            self._fetched.failed[one] = error or unreadable


def _get_method(name: str) -> str:
    return BY_NAME[name].method.removesuffix("list") + "get"
