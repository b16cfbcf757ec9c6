"""How the portal is asked for who stands in a stage: a `total` and the first fifty rows in one command.

`filter` and `start` of the classic lists: fact sheet, section 5. A filter by a
field that a portal does not know is ignored there, so that the rows are looked at.
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
from b24_pipeline.sync.crm.reader import Reading
from b24_pipeline.sync.crm.scope import Scope
from b24_pipeline.sync.job import Job

AGREEMENT = Scope("agreement", "reconcile")


@dataclass(frozen=True, slots=True)
class CountedStage:
    """A stage there: how many stand in it, and the first of them by id. `upto`: they are all up to this id."""

    total: int
    rows: Mapping[int, Amount]
    upto: int | None

    @property
    def is_whole(self) -> bool:
        """Whether no row of the stage is left out."""
        return self.upto is None


class StageLists:
    """The stages of leads, or of deals, of one portal."""

    def __init__(self, job: Job, entity: str) -> None:
        history = next(one for one in HISTORIES if one.entity == entity)
        self.entity = BY_NAME[entity]
        self.reading = Reading(job, self.entity, AGREEMENT)
        self._portal = job.portal.name
        self._stage = history.stage_field
        self._category = history.category_field
        self.counts_amounts = self.reading.keeps("OPPORTUNITY") and self.reading.keeps("CURRENCY_ID")

    @property
    def is_kept(self) -> bool:
        """Whether our copy has stages at all: the selection may leave them out."""
        fields = (self._stage, self._category) if self._category else (self._stage,)
        return all(self.reading.keeps(field) for field in fields)

    def counting(self, place: Place, ids: Mapping[str, int] | None = None) -> Command:
        """How many stand there, and the first fifty; `ids`: conditions on the id."""
        return self._first_page({**self._filter(place), **(ids or {})})

    def elsewhere(self, statuses: Sequence[str]) -> Command:
        """Those in none of these stages."""
        return self._first_page({**self._usual(), f"!@{self._stage}": list(statuses)})

    def of_stage(self, place: Place) -> ListQuery:
        """Everybody in a stage, by id."""
        return ListQuery(self.entity.method, self._fields, self._filter(place))

    def changed(self, since: datetime) -> ListQuery:
        """Everybody who was modified at that moment or later, by id."""
        conditions = {**self._usual(), ">=DATE_MODIFY": since.isoformat()}
        return ListQuery(self.entity.method, self._fields, conditions)

    def read_count(self, answer: BatchAnswer, key: str, place: Place) -> CountedStage:
        """The answer to `counting`. Raises UnreadableAnswer where other rows came, or no total."""
        rows = self._rows(answer, key)
        for row in rows:
            if self.place(row) != place:
                raise self._unreadable(f"asked for the stage {place.status}, got other rows")
        found = {row_id(row): self.amount(row) for row in rows}
        if len(rows) < PAGE_ROWS:
            return CountedStage(len(found), found, None)  # all of them, whatever the total says
        total = self.read_total(answer, key)
        return CountedStage(total, found, None if total == len(found) else max(found))

    def read_total(self, answer: BatchAnswer, key: str) -> int:
        """How many rows an answer is the first page of."""
        answer.get(key)
        if key not in answer.totals:
            raise self._unreadable("expected a total beside the rows, got none")
        return answer.totals[key]

    def read_elsewhere(self, answer: BatchAnswer, key: str, statuses: Sequence[str]) -> dict[int, Standing]:
        """The answer to `elsewhere`, as far as its page goes; nothing from a portal that ignores the filter."""
        found = {row_id(row): self.standing(row) for row in self._rows(answer, key)}
        known = set(statuses)
        return {} if any(one.place.status in known for one in found.values()) else found

    def standing(self, row: Row) -> Standing:
        """Where somebody stands, of any row with these fields."""
        modified = _read(read_timestamp, row.get("DATE_MODIFY"))
        moment = datetime.fromisoformat(modified) if modified else None
        return Standing(self.place(row), self.amount(row), moment)

    def is_template(self, row: Row) -> bool:
        """Whether it is the template of recurring deals, which counts on neither side."""
        return bool(self._usual()) and row.get("IS_RECURRING") == "Y"

    def place(self, row: Row) -> Place:
        """The stage of a row, written as it is stored here."""
        category = _read(read_integer, row.get(self._category)) if self._category else None
        return Place(self.entity.name, int(category or 0), _read(read_text, row.get(self._stage)) or "")

    def amount(self, row: Row) -> Amount:
        """The amount of a row, as it is stored here; none where amounts are not kept."""
        if not self.counts_amounts:
            return Amount(None, None)
        value = _read(read_money, row.get("OPPORTUNITY"))
        return Amount(Decimal(value) if value else None, _read(read_text, row.get("CURRENCY_ID")))

    @property
    def _fields(self) -> tuple[str, ...]:
        category = (self._category,) if self._category else ()
        return ("ID", self._stage, *category, "OPPORTUNITY", "CURRENCY_ID", "DATE_MODIFY")

    def _usual(self) -> dict[str, Any]:
        """A template of recurring deals stands nowhere, if we keep which they are."""
        recurring = self._category and self.reading.keeps("IS_RECURRING")
        return {"!=IS_RECURRING": "Y"} if recurring else {}

    def _filter(self, place: Place) -> dict[str, Any]:
        category = {self._category: place.category} if self._category else {}
        return {**self._usual(), **category, self._stage: place.status}

    def _first_page(self, conditions: Mapping[str, Any]) -> Command:
        params = {
            "order": {"ID": "ASC"},
            "filter": dict(conditions),
            "select": list(self._fields),
            "start": 0,
        }
        return Command(self.entity.method, params)

    def _rows(self, answer: BatchAnswer, key: str) -> list[dict[str, Any]]:
        if key not in answer.results and key not in answer.errors:
            raise self._unreadable("no answer to one command of a batch")
        try:
            return rows_of(answer.get(key))
        except ValueError:
            raise self._unreadable("expected rows") from None

    def _unreadable(self, what: str) -> UnreadableAnswer:
        return UnreadableAnswer(self._portal, f"{self.entity.method}: {what}")


def rows_by_id(lists: StageLists, rows: Sequence[Row]) -> dict[int, Amount]:
    """The amounts of rows."""
    return {row_id(dict(row)): lists.amount(row) for row in rows}


def conditions_of(ids: IdRange) -> dict[str, int]:
    """The REST filter of ids (after, upto]."""
    upto = {} if ids.upto is None else {"<=ID": ids.upto}
    return {">ID": ids.after, **upto}


def _read(reader: ValueReader, value: Any) -> str | None:
    """What does not fit its column is null there."""
    try:
        return reader(value)
    except ValueError:
        return None
