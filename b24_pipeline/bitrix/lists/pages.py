"""The pages of a list by ascending id: how they are asked for, and what came of them.

docs/bitrix24-rest.md, section 3.5: `start=-1`, `order[ID]=ASC`, `filter[>ID]`; in a
batch each page takes its `>ID` from the fiftieth row of the one before.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from b24_pipeline.bitrix.answers import BatchAnswer, Row, rows_of
from b24_pipeline.bitrix.batch import Command, Reference
from b24_pipeline.bitrix.lists.ranges import PAGE_ROWS, IdRange
from b24_pipeline.errors import ApiError, ListDidNotAdvance, UnreadableAnswer


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What to read; `wrapper` is the key around the rows (`items`).

    `params` are what no other field holds, and `row_params` go along only where `*` is selected.
    `front_first`: of a long list too, lower ids come before higher ones, as far as several requests under way allow.
    A long list takes about two requests in a hundred more so.
    """

    method: str
    select: tuple[str, ...]
    filter: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    id_field: str = "ID"
    wrapper: str | None = None
    front_first: bool = False
    row_params: Mapping[str, Any] = field(default_factory=dict)

    def page(self, after: int | Reference, upto: int | None) -> Command:
        """The command that reads the first rows after an id."""
        bounds: dict[str, Any] = {f">{self.id_field}": after}
        if upto is not None:
            bounds[f"<={self.id_field}"] = upto
        return self._command(bounds, "ASC", self._selected())

    def counted_page(self, after: int, skip: int = 0) -> Command:
        """The command that reads a page of the rows after an id, `skip` rows later, and counts all of them."""
        return self._command({f">{self.id_field}": after}, "ASC", self._selected(), start=skip)

    def top(self) -> Command:
        """The command that reads the highest ids."""
        return self._command({}, "DESC", (self.id_field,))

    def by_ids(self, ids: list[int]) -> Command:
        """The command that reads the rows of at most fifty ids, as far as they exist."""
        return self._command({f"@{self.id_field}": ids}, "ASC", self._selected())

    def chain(self, prefix: str, after: int, upto: int | None, pages: int) -> dict[str, Command]:
        """Commands for pages that follow one another, by command key."""
        wrapper = f"[{self.wrapper}]" if self.wrapper else ""
        keys = [f"{prefix}_{number}" for number in range(pages)]
        last_ids = [Reference(f"$result[{key}]{wrapper}[{PAGE_ROWS - 1}][{self.id_field}]") for key in keys]
        starts: list[int | Reference] = [after, *last_ids]
        return {key: self.page(start, upto) for key, start in zip(keys, starts, strict=False)}

    def _selected(self) -> tuple[str, ...]:
        named = self.id_field in self.select or "*" in self.select
        return self.select if named or not self.select else (self.id_field, *self.select)

    def _command(
        self, bounds: Mapping[str, Any], direction: str, select: tuple[str, ...], start: int = -1
    ) -> Command:
        params = {
            **self.params,
            **(self.row_params if "*" in select else {}),
            "order": {self.id_field: direction},
            "filter": {**self.filter, **bounds},
            "select": list(select),
            "start": start,
        }
        return Command(self.method, params)


@dataclass(frozen=True, slots=True)
class Piece:
    """All rows of one id range, ascending."""

    done: IdRange
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one request brought, and the ranges not delivered after it: the cursor to commit with it."""

    pieces: tuple[Piece, ...]
    left: tuple[IdRange, ...]


@dataclass(slots=True)
class Walk:
    """What a chain of pages brought: rows up to `covered`, and why it ended before the range did."""

    rows: list[Row]
    covered: int
    squares: int = 0  # of the steps from id to id
    complete: bool = False
    error: ApiError | None = None


def walk(
    portal: str, query: ListQuery, answer: BatchAnswer, keys: list[str], after: int, upto: int | None
) -> Walk:
    """Go through the pages in order, for good only to the first short one.

    After it the portal begins again at the start of the list, because the
    reference leads nowhere. A row that comes twice is taken once, as it came last.
    Raises ListDidNotAdvance and UnreadableAnswer.
    """
    done, found = Walk([], after), dict[int, Row]()
    for key in keys:
        done.error = answer.errors.get(key)
        if done.error or key not in answer.results:
            break
        rows, ids = page_rows(portal, query, answer.results[key])
        new = _new_ids(portal, query, found, ids, done.covered, upto)
        if len(rows) >= PAGE_ROWS and not new:
            raise ListDidNotAdvance(
                portal,
                f"{query.method}: a full page after {query.id_field} {done.covered} brought no new row",
            )
        done.squares += sum((number - before) ** 2 for before, number in pairwise([done.covered, *new]))
        found.update(zip(ids, rows, strict=True))
        done.covered = new[-1] if new else done.covered
        done.complete = len(rows) < PAGE_ROWS or done.covered == upto
        if done.complete:
            break
    done.rows = list(found.values())
    return done


def page_rows(portal: str, query: ListQuery, result: Any) -> tuple[list[Row], list[int]]:
    """The rows of one page and their ids. Raises UnreadableAnswer where a row has no number as its id."""
    try:
        rows = rows_of(result, query.wrapper)
        return rows, [int(row[query.id_field]) for row in rows]
    except (KeyError, TypeError, ValueError):
        raise UnreadableAnswer(
            portal, f"{query.method}: expected rows, each with a number as its {query.id_field}"
        ) from None


def _new_ids(
    portal: str, query: ListQuery, known: Container[int], ids: list[int], after: int, upto: int | None
) -> list[int]:
    """The ids of a page that have not come before, each once. Raises ListDidNotAdvance where they do not ascend."""
    new: list[int] = []
    for number in dict.fromkeys(ids):
        if number in known:
            continue
        previous = new[-1] if new else after
        if number <= previous or (upto is not None and number > upto):
            raise ListDidNotAdvance(
                portal,
                f"{query.method}: asked for {query.id_field} after {previous}"
                f"{'' if upto is None else f' and up to {upto}'}, got {number}; "
                "the portal ignored the filter or the order",
            )
        new.append(number)
    return new


def highest_ids(portal: str, query: ListQuery, answer: BatchAnswer, key: str) -> list[int]:
    """The ids of the `top` page, descending; raises its error."""
    if key not in answer.results and key not in answer.errors:
        raise UnreadableAnswer(portal, f"{query.method}: no answer to one command of a batch")
    return page_rows(portal, query, answer.get(key))[1]
