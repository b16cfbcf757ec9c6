"""The head of a list that is mostly short: one command brings its first page and tells how much follows.

A chain of pages that is asked for on a chance brings rows in vain where the list ends early (`pages.walk`). So lists
of changes begin with one page and a `total`; only what the total suggests is asked for further. The total is a
guess: where a list ends is told by a short page alone (trap 5 of docs/bitrix24-rest.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from b24_pipeline.bitrix.answers import BatchAnswer, Row
from b24_pipeline.bitrix.batch import Command
from b24_pipeline.bitrix.lists.pages import Chunk, ListQuery, Piece, page_rows, walk
from b24_pipeline.bitrix.lists.ranges import PAGE_ROWS, IdRange
from b24_pipeline.errors import PortalError, UnreadableAnswer

USUAL_PAGES = 6
"""Pages to ask for next where a full page came without a total."""


@dataclass(frozen=True, slots=True)
class KnownRows:
    """Rows at the beginning of a list that the caller has, so that they need not come again.

    `shown`: how many of them the portal is sure to show, `last_shown`: the highest id of these. `hidden`: how many
    more it may show, because it may keep the rows of what was deleted. `last`: the highest id of all.
    """

    shown: int = 0
    last_shown: int = 0
    hidden: int = 0
    last: int = 0

    @property
    def passed_over(self) -> int:
        """How many rows need not come: the last one does, to tell that those before it are the ones that are known."""
        return max(self.shown - 1, 0)

    def fit(self, ids: Sequence[int], total: int | None) -> bool:
        """Whether no row has come in between, by the ids of the page after those passed over and the `total`."""
        if not self.shown:
            return True
        known = [number for number in ids if number <= self.last]
        expected = {(1, self.last_shown), (1 + self.hidden, self.last)}
        if total is None or not known or (len(known), known[-1]) not in expected:
            return False
        seen = self.passed_over + len(ids)
        return total == seen if len(ids) < PAGE_ROWS else total >= seen


NOTHING_KNOWN = KnownRows()


class ListHead:
    """The rows of a list after an id, as far as they were asked for.

    `covered`: the rows up to this id have come. `pages`: how many more are likely, 0 where the list is at its end.
    `error`: what the portal answered instead of rows.
    """

    def __init__(self, name: str, query: ListQuery, after: int = 0, known: KnownRows = NOTHING_KNOWN) -> None:
        self.query = query
        self.after = after
        self.covered = after
        self.pages = 1
        self.is_asked = False
        self.error: PortalError | None = None
        self._name = name
        self._known = known
        self._rows: list[Row] = []

    @property
    def is_complete(self) -> bool:
        """Whether all rows of the list have come."""
        return self.is_asked and not self.pages and self.error is None

    def commands(self, *, again: bool = False) -> dict[str, Command]:
        """The commands that are to be asked next; `again`: at least one, also where the list is at its end."""
        if not self.is_asked:
            return {f"{self._name}_first": self.query.counted_page(self.after, self._known.passed_over)}
        return self.query.chain(f"{self._name}_next", self.covered, None, max(self.pages, int(again)))

    def take(self, portal: str, keys: Sequence[str], answer: BatchAnswer) -> None:
        """Takes the answers to `commands`. What is wrong with them ends in `error`."""
        try:
            if self.is_asked:
                self._take_next(portal, keys, answer)
            else:
                self._take_first(portal, keys[0], answer)
        except PortalError as error:
            self.error = error
        self.is_asked = True

    def chunk(self) -> Chunk:
        """The rows that have come, and what is left of the list. Raises what the portal answered instead."""
        if self.error:
            raise self.error
        piece = Piece(IdRange(self.after, self.covered), self._rows)
        left = () if self.is_complete else (IdRange(self.covered, None),)
        return Chunk((piece,) if self._rows else (), left)

    def _take_first(self, portal: str, key: str, answer: BatchAnswer) -> None:
        if key in answer.errors:
            raise answer.errors[key]
        if key not in answer.results:
            raise UnreadableAnswer(portal, f"{self.query.method}: no answer to one command of a batch")
        ids = page_rows(portal, self.query, answer.results[key])[1]
        total = answer.totals.get(key)
        if not self._known.fit(ids, total):
            self.pages = self._likely(total)
            return
        last_known = self._known.last if self._known.shown else self.after
        walked = walk(portal, self.query, answer, [key], self.after, None)
        self._rows = [row for row in walked.rows if int(row[self.query.id_field]) > last_known]
        self.covered = max(walked.covered, last_known)
        left = total - self._known.passed_over - len(ids) if total else None
        self.pages = 0 if walked.complete else self._likely(left)

    def _likely(self, rows: int | None) -> int:
        """Pages that so many rows fill, the short one that ends the list included."""
        return USUAL_PAGES if rows is None else max(rows, 0) // PAGE_ROWS + 1

    def _take_next(self, portal: str, keys: Sequence[str], answer: BatchAnswer) -> None:
        walked = walk(portal, self.query, answer, list(keys), self.covered, None)
        if walked.error:
            raise walked.error
        self._rows += walked.rows
        self.pages = 0 if walked.complete else max(self.pages - len(keys), 1)
        self.covered = walked.covered
