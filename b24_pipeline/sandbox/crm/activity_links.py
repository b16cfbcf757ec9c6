"""What an activity is linked to: its main owner, and others beside it (docs/bitrix24-rest-more.md, section 4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from b24_pipeline.sandbox.rows.cells import Integers, Rows
from b24_pipeline.sandbox.rows.columns import Numbers
from b24_pipeline.sandbox.rows.table import Table

ActivityLink = tuple[int, int]
"""Entity type id and id."""


class ActivityLinks:
    """Links of every activity; whoever reads or changes them holds the portal's lock."""

    def __init__(self, table: Table, others: dict[int, tuple[ActivityLink, ...]]) -> None:
        self._table = table
        self._others = others

    def of(self, identifier: int) -> list[ActivityLink]:
        """The links of an activity, the main owner first; LookupError where there is no such activity."""
        row = self._table.row_of(identifier)
        if row is None:
            raise LookupError(f"the sandbox has no activity {identifier}")
        main = tuple(int(self._numbers(name)[row]) for name in ("OWNER_TYPE_ID", "OWNER_ID"))
        return list(dict.fromkeys([(main[0], main[1]), *self._others.get(identifier, ())]))

    def set_others(self, identifier: int, links: Sequence[ActivityLink]) -> None:
        """Sets the links beside the main owner."""
        self._others[identifier] = tuple((int(kind), int(number)) for kind, number in links)

    def rows_of(self, type_id: int, owner_id: int | None) -> Rows:
        """The activities alive that are linked to an element, or to any of a type."""
        found = self._numbers("OWNER_TYPE_ID") == type_id
        if owner_id is not None:
            found &= self._numbers("OWNER_ID") == owner_id
        beside = [
            number
            for number, links in self._others.items()
            if any(kind == type_id and owner_id in {None, linked} for kind, linked in links)
        ]
        found |= np.isin(self._table.ids, beside)
        alive = self._table.alive_rows()
        linked: Rows = alive[found[alive]]
        return linked

    def _numbers(self, name: str) -> Integers:
        column = self._table.columns[name]
        if not isinstance(column, Numbers):
            raise TypeError(f"{name} is not a number column")
        numbers: Integers = column.data[: self._table.size]
        return numbers
