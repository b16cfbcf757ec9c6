"""What people do to a portal in a day's work: leads and deals move on, are won or lost, and new ones come."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from b24_pipeline.sandbox.controls.changes import ChangeReport
from b24_pipeline.sandbox.crm.entity import SEMANTIC_FIELDS
from b24_pipeline.sandbox.crm.stages import DirectoryEntry
from b24_pipeline.sandbox.crm.users import user_ids
from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rows.cells import Rows
from b24_pipeline.sandbox.rows.comparison import EMPTIES, FilterCondition
from b24_pipeline.sandbox.vocabulary import FIRST_NAMES, LAST_NAMES, PRODUCTS, UTM

STAGED = ("lead", "deal")
_SHARES = {
    "forward": 530, "won": 30, "lost": 80, "back": 25, "pipeline": 20, "reopen": 15,
    "add": 200, "amount": 50, "person": 50,
}  # fmt: skip
"""Of a thousand things that happen. About as many come as are closed, so that work neither runs out nor piles up."""
_SKIPS = 0.1
_LOST_COME_BACK = 0.75
"""The share of lost ones among those that are opened again."""
_ALIKE = ("SOURCE_ID", "CURRENCY_ID", "OPPORTUNITY", "CATEGORY_ID", "CONTACT_ID", "COMPANY_ID", *UTM)
_OPEN, _WON, _LOST = "P", "S", "F"

RowPlace = tuple[str, int]
"""An entity type, and a row of its table."""


class DailyWork:
    """One series of what happens; equal seeds on equal portals do the same. Nothing is deleted."""

    def __init__(self, portal: PortalState, seed: int) -> None:
        self._portal = portal
        self._random = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._report = ChangeReport()
        self._acts: dict[str, Callable[[RowPlace], None]] = {
            "forward": self._forward,
            "won": self._close(_WON),
            "lost": self._close(_LOST),
            "back": self._back,
            "pipeline": self._change_pipeline,
            "amount": self._change_amount,
            "person": self._change_person,
        }

    def do(self, count: int) -> ChangeReport:
        """So many things happen, one after the other."""
        for _ in range(count):
            self._happen(self._random.choices(list(_SHARES), list(_SHARES.values()))[0])
        return self._report

    def _happen(self, what: str) -> None:
        if what == "reopen":
            closed = self._some(_LOST if self._random.random() < _LOST_COME_BACK else _WON)
            if closed:
                self._move(closed, self._stages(closed, ""))
                return
        place = None if what == "add" else self._some(_OPEN)
        if place is None:
            self._add(self._random.choice(STAGED))
        else:
            self._acts.get(what, self._forward)(place)

    def _some(self, semantics: str) -> RowPlace | None:
        """One of all leads and deals that are open, won or lost; None where there are none."""
        found = {name: self._rows(name, semantics) for name in STAGED}
        drawn = self._random.randrange(sum(map(len, found.values())) or 1)
        for name, rows in found.items():
            if drawn < len(rows):
                return name, int(rows[drawn])
            drawn -= len(rows)
        return None

    def _rows(self, entity_type: str, semantics: str) -> Rows:
        """Templates of recurring deals stand where they are."""
        table = self._portal.entities[entity_type].table
        conditions = [FilterCondition("equal", SEMANTIC_FIELDS[entity_type], semantics)]
        if "IS_RECURRING" in table.columns:
            conditions.append(FilterCondition("not_equal", "IS_RECURRING", "Y"))
        return table.matching(conditions)

    def _stages(self, place: RowPlace, semantics: str) -> list[DirectoryEntry]:
        """The stages of its pipeline that are in progress (""), won (S) or lost (F), in their order."""
        entity, row = self._portal.entities[place[0]], place[1]
        stages = self._portal.directories.stages(place[0], self._portal.editor.category(entity, row))
        return [stage for stage in stages if stage.semantics == semantics]

    def _sort(self, place: RowPlace) -> int:
        """Where its stage stands in the order; one that was deleted has its place, too."""
        entity_type, row = place
        code = self._portal.editor.stage(self._portal.entities[entity_type], row)
        stage = self._portal.directories.stage(entity_type, code)
        return stage.sort if stage else 0

    def _forward(self, place: RowPlace) -> None:
        """To the next stage, seldom to the one after it; from the last one it is won."""
        later = [stage for stage in self._stages(place, "") if stage.sort > self._sort(place)]
        skipped = 1 if len(later) > 1 and self._random.random() < _SKIPS else 0
        self._move(place, later[skipped : skipped + 1] or self._stages(place, _WON))

    def _close(self, semantics: str) -> Callable[[RowPlace], None]:
        return lambda place: self._move(place, self._stages(place, semantics))

    def _back(self, place: RowPlace) -> None:
        earlier = [stage for stage in self._stages(place, "") if stage.sort < self._sort(place)]
        if earlier:
            self._move(place, earlier[-1:])
        else:
            self._forward(place)

    def _change_pipeline(self, place: RowPlace) -> None:
        entity_type, row = place
        present = self._portal.editor.category(self._portal.entities[entity_type], row)
        directories = self._portal.directories
        others = [number for number in directories.category_ids(entity_type) if number != present]
        if not others:
            self._forward(place)
            return
        chosen = self._random.choice(others)
        self._move(place, directories.stages(entity_type, chosen)[:1], chosen)

    def _move(self, place: RowPlace, stages: Sequence[DirectoryEntry], category: int | None = None) -> None:
        """Into one of these stages, by who is responsible. Where the portal has none of them, the amount changes."""
        if not stages:
            self._change_amount(place)
            return
        entity_type, identifier, person = self._known(place)
        stage = self._random.choice(stages).status_id
        self._portal.editor.move(entity_type, identifier, stage, category, person)
        self._note(entity_type, identifier)

    def _change_amount(self, place: RowPlace) -> None:
        self._update(place, {"OPPORTUNITY": self._like(self._shown(place, ["OPPORTUNITY"])["OPPORTUNITY"])})

    def _change_person(self, place: RowPlace) -> None:
        self._update(place, {"ASSIGNED_BY_ID": self._person()})

    def _update(self, place: RowPlace, fields: dict[str, Any]) -> None:
        entity_type, identifier, person = self._known(place)
        self._portal.editor.update(entity_type, identifier, fields, person)
        self._note(entity_type, identifier)

    def _add(self, entity_type: str) -> None:
        """One like another that is there: of its pipeline, source and advertisement, and of about its amount."""
        table, draw = self._portal.entities[entity_type].table, self._random
        rows = table.alive_rows()
        fields: dict[str, Any] = {"OPPORTUNITY": None}
        if len(rows):
            names = [name for name in _ALIKE if name in table.columns]
            like = self._shown((entity_type, int(draw.choice(rows))), names)
            fields |= {name: value for name, value in like.items() if value not in EMPTIES}
        fields |= {"TITLE": draw.choice(PRODUCTS), "OPPORTUNITY": self._like(fields["OPPORTUNITY"])}
        if entity_type == "lead":
            phone = f"8 (9{draw.randrange(100):02d}) {draw.randrange(10**7):07d}"
            fields |= {"NAME": draw.choice(FIRST_NAMES), "LAST_NAME": draw.choice(LAST_NAMES)}
            fields["PHONE"] = [{"VALUE": phone, "VALUE_TYPE": "MOBILE"}]
        self._report.added[entity_type].add(self._portal.editor.add(entity_type, fields, self._person()))

    def _shown(self, place: RowPlace, names: Sequence[str]) -> dict[str, Any]:
        """These fields as a list shows them."""
        table = self._portal.entities[place[0]].table
        shown: dict[str, Any] = table.page(np.array([place[1]]), names).objects()[0]
        return shown

    def _like(self, amount: Any) -> str:
        """An amount near this one, in hundreds; where there is none, a usual one."""
        usual = self._random.lognormvariate(10.5, 1.1)
        return str(max(1, round((float(amount or 0) or usual) * self._random.uniform(0.7, 1.3) / 100)) * 100)

    def _person(self) -> int:
        return self._random.choice(user_ids(self._portal.users, active=True))

    def _known(self, place: RowPlace) -> tuple[str, int, int]:
        """Entity type, id, and who is responsible."""
        entity_type, row = place
        table = self._portal.entities[entity_type].table
        person = int(table.columns["ASSIGNED_BY_ID"].typed(np.array([row]))[0])
        return entity_type, int(table.ids[row]), person

    def _note(self, entity_type: str, identifier: int) -> None:
        if identifier not in self._report.added[entity_type]:
            self._report.changed[entity_type].add(identifier)
