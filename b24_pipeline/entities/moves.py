"""Decodes rows of `crm.stagehistory.list` into moves for COPY, by columns (docs/bitrix24-rest.md, section 6.5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from b24_pipeline.entities.columns import READERS, Kind, ValueReader
from b24_pipeline.entities.history import History, pipeline_of_code
from b24_pipeline.entities.whole_columns import USUAL, Texts

MoveRow = tuple[str | None, ...]

_SMALLINT = range(-(2**15) + 1, 2**15)


class MoveDecoder:
    """Decodes moves of leads or of deals into rows of COPY texts in the order of `names`."""

    names = ("history_id", "entity_id", "type_id", "category_id", "status_id", "changed_at")

    def __init__(self, history: History) -> None:
        self.history = history

    def rows(self, raw_rows: Sequence[Mapping[str, Any]]) -> list[MoveRow]:
        """Moves as COPY texts; those that name no entity, stage or time are left out.

        Nothing else that is missing or does not fit costs a row: see `_pipelines`.
        """
        numbers = _column(raw_rows, "ID", Kind.INTEGER)
        owners = _column(raw_rows, "OWNER_ID", Kind.INTEGER)
        codes = _column(raw_rows, self.history.stage_field, Kind.TEXT)
        moments = _column(raw_rows, "CREATED_TIME", Kind.TIMESTAMP)
        kinds = _small(_column(raw_rows, "TYPE_ID", Kind.INTEGER))
        rows = zip(numbers, owners, kinds, self._pipelines(raw_rows, codes), codes, moments, strict=True)
        if not any(None in needed for needed in (numbers, owners, codes, moments)):
            return list(rows)
        return [row for row in rows if None not in (row[0], row[1], *row[4:])]

    def _pipelines(self, raw_rows: Sequence[Mapping[str, Any]], codes: Texts) -> Texts:
        """The pipelines as the rows say them, else by the codes of their stages; None where neither tells it."""
        if self.history.category_field is None:
            return ["0"] * len(codes)
        given = _column(raw_rows, self.history.category_field, Kind.INTEGER)
        if None not in given:
            return given
        return [_by_code(code) if text is None else text for text, code in zip(given, codes, strict=True)]


def _column(raw_rows: Iterable[Mapping[str, Any]], field: str, kind: Kind) -> Texts:
    """A field of all rows; None where it is empty or does not fit."""
    values = [row.get(field) for row in raw_rows]
    texts = USUAL[kind](values)
    if texts is not None:
        return texts
    read = READERS[kind]
    return [_readable(read, value) for value in values]


def _readable(read: ValueReader, value: Any) -> str | None:
    try:
        return read(value)
    except ValueError:
        return None


def _small(numbers: Texts) -> Texts:
    """The numbers that the table can hold as the type of a move; None in place of the others."""
    held = {text: text if text and int(text) in _SMALLINT else None for text in set(numbers)}
    return [held[text] for text in numbers]


def _by_code(code: str | None) -> str | None:
    pipeline = None if code is None else pipeline_of_code(code)
    return None if pipeline is None else str(pipeline)
