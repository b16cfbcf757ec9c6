"""Builds the list queries that ask a portal for the rows of a stage, and reads their answers.

One command brings a `total` and the first fifty rows (`filter` and `start` of the classic lists:
docs/bitrix24-rest.md, section 5). A portal ignores a filter by a field that it does not know, so the stage of
each row that comes is compared with the stage that was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from b24_pipeline.bitrix.answers import BatchAnswer, Row, rows_of
from b24_pipeline.bitrix.batch import Command
from b24_pipeline.bitrix.lists.pages import ListQuery
from b24_pipeline.bitrix.lists.ranges import PAGE_ROWS, IdRange
from b24_pipeline.entities import BY_NAME, HISTORIES
from b24_pipeline.entities.columns import ValueReader, read_integer, read_money, read_text, read_timestamp
from b24_pipeline.entities.decode import row_id
from b24_pipeline.errors import UnreadableAnswer
from b24_pipeline.store.checks.stages import Amount, Place, Standing
from b24_pipeline.sync.checks.totals import beyond
from b24_pipeline.sync.crm.entity_copy import EntityCopy
from b24_pipeline.sync.crm.scope import Scope
from b24_pipeline.sync.job import Job

AGREEMENT = Scope("agreement", "reconcile")
"""The scope of a stage check."""


@dataclass(frozen=True, slots=True)
class CountedStage:
    """The portal's rows in a stage: how many there are, and the amounts of the first ones by id.

    `rows` has every row up to the id `upto`; None means that it has all rows, 0 that it has none.
    """

    total: int
    rows: Mapping[int, Amount]
    upto: int | None

    @property
    def is_whole(self) -> bool:
        """Whether no row of the stage is left out."""
        return self.upto is None


class StageQueries:
    """Builds the queries for the stages of one entity (leads or deals) of one portal, and reads their answers."""

    def __init__(self, job: Job, entity: str) -> None:
        history = next(history for history in HISTORIES if history.entity == entity)
        self.entity = BY_NAME[entity]
        self.entity_copy = EntityCopy(job, self.entity, AGREEMENT)
        self._portal = job.portal.name
        self._stage = history.stage_field
        self._category = history.category_field
        self.counts_amounts = self.entity_copy.reads_field("OPPORTUNITY") and self.entity_copy.reads_field(
            "CURRENCY_ID"
        )

    @property
    def has_stages(self) -> bool:
        """Whether our copy has stages at all: the selection of fields may leave them out."""
        fields = (self._stage, self._category) if self._category else (self._stage,)
        return all(self.entity_copy.reads_field(field) for field in fields)

    def count_command(self, place: Place, ids: Mapping[str, int] | None = None) -> Command:
        """The command that counts a stage and brings its first fifty rows; `ids`: filter conditions on the id."""
        return self._first_page({**self._filter(place), **(ids or {})})

    def number_command(self, place: Place, expected: int) -> Command:
        """The command that counts a stage and, where the portal has as many rows as expected, brings none of them."""
        return self._first_page(self._filter(place), beyond(expected))

    def other_stages_command(self, statuses: Sequence[str]) -> Command:
        """The command for rows that are in none of these stages: their total and the first fifty."""
        return self._first_page({**self._no_templates(), f"!@{self._stage}": list(statuses)})

    def rows_query(self, place: Place) -> ListQuery:
        """The list query for all rows of a stage, by id."""
        return ListQuery(self.entity.method, self._fields, self._filter(place))

    def any_stage_query(self) -> ListQuery:
        """The list query for all rows of the entity, templates of recurring deals among them."""
        recurring = ("IS_RECURRING",) if self._no_templates() else ()
        return ListQuery(self.entity.method, (*self._fields, *recurring))

    def changed_query(self, since: datetime) -> ListQuery:
        """The list query for all rows that were modified at that time or later, by id."""
        conditions = {**self._no_templates(), ">=DATE_MODIFY": since.isoformat()}
        return ListQuery(self.entity.method, self._fields, conditions)

    def read_count(self, answer: BatchAnswer, key: str, place: Place) -> CountedStage:
        """Reads the answer to `count_command`. Raises UnreadableAnswer if rows of another stage came, or no total."""
        rows = self._rows(answer, key)
        for row in rows:
            if self.place(row) != place:
                raise self._unreadable(f"asked for the stage {place.status}, got other rows")
        found = {row_id(row): self.amount(row) for row in rows}
        if len(rows) < PAGE_ROWS:
            return CountedStage(len(found), found, None)  # all of them, whatever the total says
        total = self.read_total(answer, key)
        if total < len(found):
            raise self._unreadable(
                f"expected a total of at least the {len(found)} rows beside it, got {total}"
            )
        return CountedStage(total, found, None if total == len(found) else max(found))

    def read_total(self, answer: BatchAnswer, key: str) -> int:
        """Reads the total of a command. Raises UnreadableAnswer where it is missing."""
        answer.get(key)
        if key not in answer.totals:
            raise self._unreadable("expected a total beside the rows, got none")
        return answer.totals[key]

    def read_other_stages(
        self, answer: BatchAnswer, key: str, statuses: Sequence[str]
    ) -> dict[int, Standing]:
        """Reads the first page of the answer to `other_stages_command`; empty if the portal ignored the filter."""
        found = {row_id(row): self.standing(row) for row in self._rows(answer, key)}
        known = set(statuses)
        return {} if any(standing.place.status in known for standing in found.values()) else found

    def standing(self, row: Row) -> Standing:
        """The stage, amount and time of modification of a row."""
        modified = _read(read_timestamp, row.get("DATE_MODIFY"))
        moment = datetime.fromisoformat(modified) if modified else None
        return Standing(self.place(row), self.amount(row), moment)

    def is_template(self, row: Row) -> bool:
        """Whether a row is a template of recurring deals, which neither side counts."""
        return bool(self._no_templates()) and row.get("IS_RECURRING") == "Y"

    def place(self, row: Row) -> Place:
        """The stage of a row, as our copy stores it."""
        category = _read(read_integer, row.get(self._category)) if self._category else None
        return Place(self.entity.name, int(category or 0), _read(read_text, row.get(self._stage)) or "")

    def amount(self, row: Row) -> Amount:
        """The amount of a row, as our copy stores it; empty where our copy has no amounts."""
        if not self.counts_amounts:
            return Amount(None, None)
        value = _read(read_money, row.get("OPPORTUNITY"))
        return Amount(Decimal(value) if value else None, _read(read_text, row.get("CURRENCY_ID")))

    @property
    def _fields(self) -> tuple[str, ...]:
        category = (self._category,) if self._category else ()
        return ("ID", self._stage, *category, "OPPORTUNITY", "CURRENCY_ID", "DATE_MODIFY")

    def _no_templates(self) -> dict[str, Any]:
        """The filter that leaves out templates of recurring deals, if our copy has the field that tells them."""
        recurring = self._category and self.entity_copy.reads_field("IS_RECURRING")
        return {"!=IS_RECURRING": "Y"} if recurring else {}

    def _filter(self, place: Place) -> dict[str, Any]:
        category = {self._category: place.category} if self._category else {}
        return {**self._no_templates(), **category, self._stage: place.status}

    def _first_page(self, conditions: Mapping[str, Any], start: int = 0) -> Command:
        params = {
            "order": {"ID": "ASC"},
            "filter": dict(conditions),
            "select": list(self._fields),
            "start": start,
        }
        return Command(self.entity.method, params)

    def _rows(self, answer: BatchAnswer, key: str) -> list[dict[str, Any]]:
        if key not in answer.results and key not in answer.errors:
            raise self._unreadable("no answer to one command of a batch")
        try:
            return rows_of(answer.get(key))
        except ValueError:
            raise self._unreadable("expected rows") from None

    def _unreadable(self, problem: str) -> UnreadableAnswer:
        return UnreadableAnswer(self._portal, f"{self.entity.method}: {problem}")


def rows_by_id(queries: StageQueries, rows: Sequence[Row]) -> dict[int, Amount]:
    """The amounts of rows by their ids."""
    return {row_id(dict(row)): queries.amount(row) for row in rows}


def id_conditions(ids: IdRange) -> dict[str, int]:
    """The REST filter of the ids (after, upto]."""
    upto = {} if ids.upto is None else {"<=ID": ids.upto}
    return {">ID": ids.after, **upto}


def _read(entity_copy: ValueReader, value: Any) -> str | None:
    """A value as our copy stores it: null where it does not fit its column."""
    try:
        return entity_copy(value)
    except ValueError:
        return None
