"""What is known of one stage on both sides, and what that means in words."""

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
class Changed:
    """Those modified in the portal after the sync had begun: where they stand there, and where here."""

    in_portal: Mapping[int, Standing]
    in_copy: Mapping[int, Standing]

    def balance(self, place: Place, ids: IdRange = EVERY_ID) -> int:
        """How many more of them stand in a stage there than here."""
        return _standing(self.in_portal, place, ids) - _standing(self.in_copy, place, ids)

    def moved(self, place: Place) -> set[int]:
        """Those that stand in a stage on one side only."""
        in_portal = {number for number, one in self.in_portal.items() if one.place == place}
        in_copy = {number for number, one in self.in_copy.items() if one.place == place}
        return in_portal ^ in_copy


def _standing(side: Mapping[int, Standing], place: Place, ids: IdRange) -> int:
    within = (one for number, one in side.items() if number > ids.after and number <= (ids.upto or number))
    return sum(one.place == place for one in within)


@dataclass(slots=True)
class Verdicts:
    """Of ids looked at again: the same on both sides, changed since the sync, deleted there, and not repaired."""

    same: set[int] = field(default_factory=set)
    changed: set[int] = field(default_factory=set)
    deleted: set[int] = field(default_factory=set)
    left: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Tally:
    """One stage: counts of both sides, and the ids that differ as far as rows were compared.

    `changed` are ids that differ by a later change; `hidden` is how many more
    differ by the counts, and were not found.
    """

    place: Place
    in_portal: int
    in_copy: int
    missing: set[int] = field(default_factory=set)
    surplus: set[int] = field(default_factory=set)
    differing: set[int] = field(default_factory=set)
    changed: set[int] = field(default_factory=set)
    deleted: set[int] = field(default_factory=set)
    left: set[int] = field(default_factory=set)
    hidden: int = 0
    rows: int = 0
    is_whole: bool = False
    portal_amounts: dict[str, Decimal] = field(default_factory=dict)
    our_amounts: dict[str, Decimal] = field(default_factory=dict)

    @property
    def disputed(self) -> set[int]:
        """Every id that differs and was not seen to have been changed since."""
        return self.missing | self.surplus | self.differing

    def compare(
        self, in_portal: Mapping[int, Amount], in_copy: Mapping[int, Amount], changed: Changed
    ) -> None:
        """Takes rows of the same ids of both sides."""
        apart = {
            number for number in in_portal.keys() & in_copy.keys() if in_portal[number] != in_copy[number]
        }
        missing, surplus = in_portal.keys() - in_copy.keys(), in_copy.keys() - in_portal.keys()
        since = (apart | missing | surplus) & changed.in_portal.keys()
        self.changed |= since
        self.missing |= missing - since
        self.surplus |= surplus - since
        self.differing |= apart - since
        self.rows += len(in_portal)
        if self.is_whole:
            _add(self.portal_amounts, in_portal.values())
            _add(self.our_amounts, in_copy.values())

    def begin_whole(self) -> None:
        """All rows of both sides are about to be compared, so that there are sums too."""
        self.missing, self.surplus, self.differing = set(), set(), set()
        self.portal_amounts, self.our_amounts = {}, {}
        self.rows, self.is_whole = 0, True

    def unexplained(self, changed: Changed) -> int:
        """How many more the portal counts than later changes and the ids found account for."""
        net = self.in_portal - self.in_copy - changed.balance(self.place)
        return net - len(self.missing) + len(self.surplus)

    def judge(self, verdicts: Verdicts, *, not_looked_at: Iterable[int] = ()) -> None:
        """Takes what a second look has shown of the ids that differ."""
        self.changed |= self.disputed & verdicts.changed
        self.deleted = self.surplus & verdicts.deleted
        for kind in (self.missing, self.surplus, self.differing):
            kind.difference_update(verdicts.same, verdicts.changed)
        self.left = self.disputed & (verdicts.left | set(not_looked_at))

    def found(self, portal: str, *, counts_amounts: bool = True) -> Found:
        """As it is stored."""
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
            is_repaired=wrong and not self.hidden and not self.left,
            explanation=None if equal else "; ".join(self._sentences(portal)) or MEANWHILE,
        )

    def _sentences(self, portal: str) -> list[str]:
        """In words, the worst first."""
        gone = self.surplus & self.deleted
        moved_away = self.surplus - gone
        sentences = [
            _some(self.missing, "{} not in our copy of this stage"),
            _some(moved_away, "{} not in this stage in the portal any more"),
            _some(gone, "{} deleted in the portal"),
            _some(self.differing, "{} of another amount or currency"),
            f"{abs(self.hidden)} more {'there' if self.hidden > 0 else 'here'} were not found by id"
            if self.hidden
            else "",
            _advice(portal, wrong=bool(self.disputed or self.hidden), left=bool(self.left or self.hidden)),
            _some(self.changed, "{} changed in the portal since the sync"),
        ]
        return [one for one in sentences if one]


def _add(sums: dict[str, Decimal], amounts: Iterable[Amount]) -> None:
    """By currency; the empty text for those without one."""
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


def _advice(portal: str, *, wrong: bool, left: bool) -> str:
    if not wrong:
        return ""
    return f"`b24 reconcile {portal} --whole` repairs it" if left else "repaired right after the check"
