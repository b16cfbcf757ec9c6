"""One stage compared: the counts of both sides, the ids that differ, and the explanation in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from b24_pipeline.bitrix.lists.ranges import IdRange
from b24_pipeline.store.checks.stages import Amount, Found, Place, Standing

SHOWN_IDS = 10
MEANWHILE = "changed in the portal while it was counted"
EVERY_ID = IdRange(0, None)


@dataclass(frozen=True, slots=True)
class LaterChanges:
    """Leads or deals that the portal changed after the sync began: by id, their stage in each of the two sides."""

    in_portal: Mapping[int, Standing]
    in_copy: Mapping[int, Standing]

    def balance(self, place: Place, ids: IdRange = EVERY_ID) -> int:
        """How many more of them are in a stage in the portal than in our copy."""
        return _count_in(self.in_portal, place, ids) - _count_in(self.in_copy, place, ids)

    def moved(self, place: Place) -> set[int]:
        """The ids of those that are in a stage on one side only."""
        return _ids_in(self.in_portal, place) ^ _ids_in(self.in_copy, place)


NO_CHANGES = LaterChanges({}, {})


def _ids_in(side: Mapping[int, Standing], place: Place) -> set[int]:
    return {number for number, standing in side.items() if standing.place == place}


def _count_in(side: Mapping[int, Standing], place: Place, ids: IdRange) -> int:
    return sum(number > ids.after and number <= (ids.upto or number) for number in _ids_in(side, place))


@dataclass(slots=True)
class RecheckedIds:
    """What a recheck found of ids that had differed.

    `equal` do not differ any more, `changed` were changed in the portal after the sync began, `deleted` are gone
    from the portal, and `unrepaired` still differ.
    """

    equal: set[int] = field(default_factory=set)
    changed: set[int] = field(default_factory=set)
    deleted: set[int] = field(default_factory=set)
    unrepaired: set[int] = field(default_factory=set)


@dataclass(slots=True)
class StageTally:
    """One stage: the counts of both sides, and the ids that differ as far as rows were compared.

    `missing` are ids that only the portal has in this stage, `surplus` those that only our copy has, and
    `differing` those whose amount or currency differs. `changed` differ by a change after the sync began.
    `hidden`: how many more rows differ by the counts and were not found. `rows`: how many were compared.
    The sums, by currency, are complete only if `is_whole`.
    """

    place: Place
    in_portal: int
    in_copy: int
    missing: set[int] = field(default_factory=set)
    surplus: set[int] = field(default_factory=set)
    differing: set[int] = field(default_factory=set)
    changed: set[int] = field(default_factory=set)
    deleted: set[int] = field(default_factory=set)
    unrepaired: set[int] = field(default_factory=set)
    hidden: int = 0
    rows: int = 0
    is_whole: bool = False
    portal_amounts: dict[str, Decimal] = field(default_factory=dict)
    our_amounts: dict[str, Decimal] = field(default_factory=dict)

    @property
    def disputed(self) -> set[int]:
        """Every id that differs and that no change after the sync explains."""
        return self.missing | self.surplus | self.differing

    def compare(
        self, in_portal: Mapping[int, Amount], in_copy: Mapping[int, Amount], changed: LaterChanges
    ) -> None:
        """Compares the rows of both sides within one range of ids: rows that differ, and rows that one side lacks."""
        differing = {
            number for number in in_portal.keys() & in_copy.keys() if in_portal[number] != in_copy[number]
        }
        missing, surplus = in_portal.keys() - in_copy.keys(), in_copy.keys() - in_portal.keys()
        explained = (differing | missing | surplus) & changed.in_portal.keys()
        self.changed |= explained
        self.missing |= missing - explained
        self.surplus |= surplus - explained
        self.differing |= differing - explained
        self.rows += len(in_portal)
        if self.is_whole:
            _add(self.portal_amounts, in_portal.values())
            _add(self.our_amounts, in_copy.values())

    def note(self, number: int, in_copy: Standing | None, in_portal: Standing | None) -> None:
        """Notes one entity that may differ, by where it stands on each side; None where it stands nowhere."""
        here = in_copy is not None and in_copy.place == self.place
        there = in_portal is not None and in_portal.place == self.place
        if there and not here:
            self.missing.add(number)
        elif here and not there:
            self.surplus.add(number)
        elif here and in_copy and in_portal and in_copy.amount != in_portal.amount:
            self.differing.add(number)

    def begin_whole(self) -> None:
        """Starts over, for a comparison of all rows of both sides, which also gives sums of the amounts."""
        self.missing, self.surplus, self.differing = set(), set(), set()
        self.portal_amounts, self.our_amounts = {}, {}
        self.rows, self.is_whole = 0, True

    def unexplained(self, changed: LaterChanges) -> int:
        """How many more rows the portal counts than later changes and the ids found account for."""
        return self.net(changed) - len(self.missing) + len(self.surplus)

    def net(self, changed: LaterChanges) -> int:
        """How many more rows the portal counts than our copy, apart from later changes."""
        return self.in_portal - self.in_copy - changed.balance(self.place)

    def leave(self, changed: LaterChanges) -> None:
        """Leaves what differs as it is: nothing of it was repaired."""
        self.hidden = 0 if self.is_whole else self.unexplained(changed)
        self.unrepaired = self.disputed

    def take_recheck(self, rechecked: RecheckedIds) -> None:
        """Applies the result of a recheck to the ids that differ."""
        self.changed |= self.disputed & rechecked.changed
        self.deleted = self.surplus & rechecked.deleted
        for kind in (self.missing, self.surplus, self.differing):
            kind.difference_update(rechecked.equal, rechecked.changed)
        self.unrepaired = self.disputed & rechecked.unrepaired

    def found(self, portal: str, *, counts_amounts: bool = True) -> Found:
        """The row that the check stores of this stage; without sums where amounts are not counted."""
        wrong = bool(self.disputed or self.hidden)
        summed = self.is_whole and counts_amounts
        equal = not wrong and self.in_portal == self.in_copy and self.portal_amounts == self.our_amounts
        return Found(
            place=self.place,
            portal_count=self.in_portal,
            our_count=self.in_copy,
            portal_amounts=self.portal_amounts if summed else None,
            our_amounts=self.our_amounts if summed else None,
            missing_ids=sorted(self.missing),
            surplus_ids=sorted(self.surplus),
            differing_ids=sorted(self.differing),
            rows_compared=min(self.rows, self.in_portal),
            is_equal=equal,
            is_explained=not wrong,
            is_repaired=wrong and not self.hidden and not self.unrepaired,
            explanation=None if equal else "; ".join(self._sentences(portal)) or MEANWHILE,
        )

    def _sentences(self, portal: str) -> list[str]:
        """The explanation sentence by sentence, the worst first."""
        gone = self.surplus & self.deleted
        moved_away = self.surplus - gone
        sentences = [
            _some(self.missing, "{} not in our copy of this stage"),
            _some(moved_away, "{} not in this stage in the portal any more"),
            _some(gone, "{} deleted in the portal"),
            _some(self.differing, "{} of another amount or currency"),
            f"{abs(self.hidden)} more in {'the portal' if self.hidden > 0 else 'our copy'} were not found by id"
            if self.hidden
            else "",
            _advice(
                portal,
                wrong=bool(self.disputed or self.hidden),
                unrepaired=bool(self.unrepaired or self.hidden),
            ),
            _some(self.changed, "{} changed in the portal since the sync"),
        ]
        return [sentence for sentence in sentences if sentence]


def _add(sums: dict[str, Decimal], amounts: Iterable[Amount]) -> None:
    """Adds amounts to the sums by currency; the empty text stands for an amount without a currency."""
    for amount in amounts:
        if amount.value is not None:
            currency = amount.currency or ""
            sums[currency] = sums.get(currency, Decimal()) + amount.value


def _some(ids: set[int], text: str) -> str:
    if not ids:
        return ""
    shown = ", ".join(map(str, sorted(ids)[:SHOWN_IDS]))
    more = ", ..." if len(ids) > SHOWN_IDS else ""
    return f"{text.format(len(ids))}: ids {shown}{more}"


def _advice(portal: str, *, wrong: bool, unrepaired: bool) -> str:
    if not wrong:
        return ""
    return f"`b24 reconcile {portal} --whole` repairs it" if unrepaired else "repaired right after the check"
