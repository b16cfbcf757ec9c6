"""Random changes of records: activities are done, calls come and are completed, products get other prices."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from b24_pipeline.sandbox.crm.record_entity import RecordEntity
from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.vocabulary import ODD_TEXTS, PRODUCTS

LATE = "late"
"""The kind of change that nobody is told of: what a call lacked comes."""
ROWS = "rows"
"""The kind of change that gives an owner other product rows."""
RECORD_KINDS: dict[str, tuple[str, ...]] = {
    "edit": ("activity", "product", "price", "section", "task", "requisite"),
    "add": ("activity", "call", "product", "task", "requisite", "comment"),
    "delete": ("activity", "product", "task", "requisite", "comment"),
    LATE: ("call",),
}
"""Kind of change -> types of records that it can happen to."""


class RecordChanges:
    """Makes one change at a time, by the draws of the series that it belongs to."""

    def __init__(self, portal: PortalState, draw: random.Random) -> None:
        self._portal = portal
        self._random = draw
        self._edits: dict[str, Callable[[], dict[str, Any]]] = {
            "activity": self._activity,
            "call": self._call,
            "product": lambda: {"NAME": self._text()},
            "price": lambda: {"PRICE": f"{self._random.randrange(10**6)}.00"},
            "section": lambda: {"NAME": self._text()},
            "task": self._task,
            "requisite": lambda: {"RQ_COMPANY_NAME": self._text(), "ENTITY_TYPE_ID": "4", "ENTITY_ID": "1"},
            "comment": lambda: {"COMMENT": self._text()} | self._commented(),
        }

    def present(self) -> list[str]:
        """The types of records of which the portal was made with some."""
        kinds = self._portal.entities.values()
        return [one.type for one in kinds if isinstance(one, RecordEntity) and one.table.size]

    def types(self, kind: str) -> tuple[str, ...]:
        """The types of records that this kind of change can happen to."""
        present = self.present()
        if kind == ROWS:
            return self._portal.row_owners() if "product_row" in present else ()
        return tuple(name for name in RECORD_KINDS.get(kind, ()) if name in present)

    def make(self, kind: str, entity_type: str, identifier: int) -> None:
        """Changes one record; `delete` and `add` are not of these."""
        editor = self._portal.record_editor
        if kind == LATE:
            editor.complete(entity_type, identifier, self._late())
            return
        editor.update(entity_type, identifier, self._edits[entity_type](), self._portal.config.user_id)

    def add(self, entity_type: str) -> int:
        """A new record; its id."""
        fields = self._edits[entity_type]()
        if entity_type == "activity":
            fields |= self._owner()
        return self._portal.record_editor.add(entity_type, fields, self._portal.config.user_id)

    def rows(self) -> list[dict[str, Any]]:
        """Product rows for an owner: none to three, with names and prices of their own."""
        draw = self._random
        return [
            {
                "productName": self._text(),
                "price": str(draw.randrange(10**5)),
                "quantity": str(draw.randrange(1, 9)),
            }
            for _ in range(draw.randrange(4))
        ]

    def _text(self) -> str:
        draw = self._random
        return draw.choice((f"{draw.choice(PRODUCTS)} {draw.randrange(10**6)}", draw.choice(ODD_TEXTS[:5])))

    def _activity(self) -> dict[str, Any]:
        done = self._random.random() < 0.5
        return {"SUBJECT": self._text(), "COMPLETED": "Y" if done else "N", "STATUS": "2" if done else "1"}

    def _task(self) -> dict[str, Any]:
        return {"TITLE": self._text(), "STATUS": str(self._random.choice((2, 3, 5)))}

    def _commented(self) -> dict[str, Any]:
        return {"ENTITY_TYPE": "lead", "ENTITY_ID": self._owner()["OWNER_ID"]}

    def _owner(self) -> dict[str, Any]:
        table = self._portal.entities["lead"].table
        ids = table.ids[table.alive_rows()].tolist()
        return {"OWNER_TYPE_ID": "1", "OWNER_ID": str(self._random.choice(ids) if ids else 0)}

    def _call(self) -> dict[str, Any]:
        draw = self._random
        seconds = draw.randrange(600)
        return {
            "CALL_ID": f"externalCall.{draw.randrange(2**32):08x}.{draw.randrange(10**9)}",
            "CALL_TYPE": str(draw.randrange(1, 5)),
            "CALL_DURATION": str(seconds),
            "CALL_START_DATE": self._portal.moment_text(-seconds),
            "CALL_FAILED_CODE": "200" if seconds else "304",
        }

    def _late(self) -> dict[str, Any]:
        """The record, a vote and a comment, as they come minutes or days after a call."""
        draw = self._random
        record = {"RECORD_FILE_ID": draw.randrange(10**5, 10**6), "RECORD_DURATION": str(draw.randrange(600))}
        return record | {"CALL_VOTE": str(draw.randrange(1, 6)), "COMMENT": self._text()}
