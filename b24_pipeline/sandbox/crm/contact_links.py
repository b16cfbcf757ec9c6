"""Which contacts a lead, deal or company has: the main one of its row, and others beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from b24_pipeline.sandbox.crm.entity import CrmEntity
from b24_pipeline.sandbox.rows.cells import Rows

OWNERS = ("lead", "deal", "company")
_FIRST_SORT = 10

OtherContacts = dict[str, dict[int, tuple[int, ...]]]
"""Owner type -> id of the owner -> its contacts beside the one of its row, in order."""


class ContactLinks:
    """The contacts of each owner. A company has those whose COMPANY_ID it is, until somebody sets others."""

    def __init__(self, entities: Mapping[str, CrmEntity], others: OtherContacts) -> None:
        self._entities = entities
        self._others = others
        self._of_companies: tuple[int, dict[int, list[int]]] = (-1, {})

    def of_rows(self, owner_type: str, rows: Rows) -> list[list[int]]:
        """The contacts of each of these rows of an owner's table, the main one first."""
        table = self._entities[owner_type].table
        ids = table.ids[rows].tolist()
        column = table.columns.get("CONTACT_ID")
        mains = column.typed(rows) if column is not None else [None] * len(ids)
        return [self._together(owner_type, *pair) for pair in zip(ids, mains, strict=True)]

    def of(self, owner_type: str, identifier: int) -> list[int]:
        """The contacts of one owner, the main one first; LookupError where there is no such owner."""
        row = self._entities[owner_type].table.row_of(identifier)
        if row is None:
            raise LookupError(f"the sandbox has no {owner_type} {identifier}")
        return self.of_rows(owner_type, np.array([row]))[0]

    def items(self, owner_type: str, identifier: int) -> list[dict[str, Any]]:
        """The answer of `crm.*.contact.items.get`."""
        contacts = self.of(owner_type, identifier)
        return [
            {
                "CONTACT_ID": contact,
                "SORT": _FIRST_SORT * (place + 1),
                "ROLE_ID": 0,
                "IS_PRIMARY": "Y" if place == 0 else "N",
            }
            for place, contact in enumerate(contacts)
        ]

    def set_others(self, owner_type: str, identifier: int, contacts: Sequence[int]) -> None:
        """Sets the contacts beside the main one; of a company, all."""
        self._others.setdefault(owner_type, {})[identifier] = tuple(contacts)

    def _together(self, owner_type: str, identifier: int, main: int | None) -> list[int]:
        others: Iterable[int] = self._others.get(owner_type, {}).get(identifier, ())
        if owner_type == "company" and identifier not in self._others.get("company", {}):
            others = self._by_company().get(identifier, ())
        contacts = self._entities["contact"].table
        alive = [contact for contact in others if contacts.row_of(contact) is not None]
        return list(dict.fromkeys([*([main] if main else []), *alive]))

    def _by_company(self) -> dict[int, list[int]]:
        """The contacts of each company by their rows; computed once for each version of the contacts."""
        table = self._entities["contact"].table
        version, found = self._of_companies
        if version != table.version:
            rows, found = table.alive_rows(), {}
            companies = table.columns["COMPANY_ID"].typed(rows)
            for contact, company in zip(table.ids[rows].tolist(), companies, strict=True):
                if company:
                    found.setdefault(company, []).append(contact)
            self._of_companies = table.version, found
        return found
