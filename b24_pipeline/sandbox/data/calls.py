"""Generated calls of the telephony statistics: ids follow the end of a call, so start times do not ascend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from b24_pipeline.sandbox.crm.record_entity import RecordEntity
from b24_pipeline.sandbox.crm.record_fields import CALL_FIELDS
from b24_pipeline.sandbox.data.activities import ActivityPlan
from b24_pipeline.sandbox.data.dates import creation_times, identifiers
from b24_pipeline.sandbox.data.journeys import Ints
from b24_pipeline.sandbox.data.maker import DAY, Maker
from b24_pipeline.sandbox.rows.cells import NOTHING
from b24_pipeline.sandbox.rows.codecs import Moment, Whole
from b24_pipeline.sandbox.rows.multifields import phone_text
from b24_pipeline.sandbox.rows.table import Table

_OUTGOING, _INCOMING = 1, 2
_INCOMING_DIRECTION = 1
_CODES = ("200", "304", "603", "603-S", "486", "480", "OTHER")
_TYPE_NAMES = {1: "LEAD", 3: "CONTACT", 4: "COMPANY"}
_DEFAULTS = {
    "CALL_CATEGORY": "external", "CALL_TYPE": "2", "PORTAL_USER_ID": "1", "PORTAL_NUMBER": "line1",
    "PHONE_NUMBER": "+79990000000", "CALL_DURATION": "30", "CALL_FAILED_CODE": "200", "COST": "0.0000",
    "CALL_FAILED_REASON": "", "COST_CURRENCY": "", "TRANSCRIPT_PENDING": "N",
}  # fmt: skip


@dataclass(frozen=True)
class CallPlan:
    """Calls before their columns; `activities` are rows of the plan of activities, or -1."""

    ids: Ints
    ended: Ints
    activities: Ints

    def call_id(self, place: int) -> str:
        """What the telephony calls a call."""
        return f"externalCall.{int(self.ids[place]) * 2654435761 % 2**32:08x}.{int(self.ended[place])}"


def plan_calls(rng: np.random.Generator, count: int, activities: ActivityPlan, now: int) -> CallPlan:
    """Calls with an activity end when that was made; the others whenever."""
    linked = activities.calls[:count]
    ended = np.concatenate([activities.created[linked], creation_times(rng, count - len(linked), now)])
    rows = np.concatenate([linked, np.full(count - len(linked), -1)])
    order = np.argsort(ended, kind="stable")
    return CallPlan(identifiers(rng, count, 0), ended[order], rows[order])


def make_calls(
    rng: np.random.Generator,
    plan: CallPlan,
    activities: ActivityPlan,
    held: Mapping[str, Ints],
    users: list[int],
) -> RecordEntity:
    """The columns of planned calls; the newest lack what comes late: record, vote, comment."""
    maker = Maker(rng, CALL_FIELDS, len(plan.ids))
    code = np.where(rng.random(maker.size) < 0.7, 0, rng.integers(0, len(_CODES), maker.size))
    duration = np.where(code == 0, (rng.exponential(120, maker.size)).astype(np.int64), 0)
    duration = np.where(rng.random(maker.size) < 0.02, duration + 3 * 3600, duration)
    maker.numbers("ID", plan.ids, Whole())
    maker.codes("CALL_ID", np.arange(maker.size), [plan.call_id(place) for place in range(maker.size)])
    maker.choose("CALL_CATEGORY", ["external", "internal"], [0.98, 0.02])
    maker.numbers("CALL_TYPE", _types(rng, plan, activities), Whole())
    maker.users([0, *users], Whole(), "PORTAL_USER_ID")
    maker.choose("PORTAL_NUMBER", ["line1", "line2", "reg3"])
    maker.codes("PHONE_NUMBER", *_phones(rng, maker.size))
    maker.numbers("CALL_START_DATE", plan.ended - duration, Moment())
    maker.numbers("CALL_DURATION", duration, Whole())
    maker.codes("CALL_FAILED_CODE", code, list(_CODES))
    maker.choose("CALL_FAILED_REASON", ["", "Success call"])
    maker.choose("COST", ["0.0000", "1.2500"], [0.9, 0.1])
    maker.choose("COST_CURRENCY", ["", "RUR"], [0.9, 0.1])
    _links(maker, plan, activities, held)
    _late(maker, plan, answered=np.asarray(code == 0))
    return RecordEntity("call", Table(plan.ids, maker.columns), None, CALL_FIELDS, defaults=_DEFAULTS)


def _phones(rng: np.random.Generator, count: int) -> tuple[Ints, list[str]]:
    numbers = rng.integers(9_000_000_000, 9_999_999_999, max(1, count // 3))
    return rng.integers(0, len(numbers), count), [phone_text(number, 0) for number in numbers.tolist()]


def _types(rng: np.random.Generator, plan: CallPlan, activities: ActivityPlan) -> Ints:
    """1 is outgoing and 2 incoming, which is the opposite of an activity's direction."""
    types = rng.choice([1, 2, 3, 4, 5], len(plan.ids), p=[0.45, 0.4, 0.1, 0.04, 0.01])
    linked = np.flatnonzero(plan.activities >= 0)
    incoming = activities.directions[plan.activities[linked]] == _INCOMING_DIRECTION
    types[linked] = np.where(incoming, _INCOMING, _OUTGOING)
    return types


def _links(maker: Maker, plan: CallPlan, activities: ActivityPlan, held: Mapping[str, Ints]) -> None:
    """Leads, contacts and companies alone: a call of a deal names a contact."""
    linked = plan.activities >= 0
    rows = np.maximum(plan.activities, 0)
    if not len(activities.ids):
        rows, linked = np.zeros(0, dtype=np.int64), linked & False
    owner_type, owner = (
        np.where(linked, values[rows] if len(values) else NOTHING, NOTHING)
        for values in (activities.owner_types, activities.owner_ids)
    )
    contacts = held["contact"]
    of_deal = owner_type == 2
    contact = maker.rng.choice(contacts, maker.size) if len(contacts) else np.full(maker.size, NOTHING)
    owner = np.where(of_deal, contact, owner)
    names = [None, *_TYPE_NAMES.values()]
    codes = np.searchsorted(np.array(list(_TYPE_NAMES)), np.where(of_deal, 3, owner_type)) + 1
    maker.codes("CRM_ENTITY_TYPE", np.where(owner == NOTHING, 0, codes), names)
    maker.numbers("CRM_ENTITY_ID", owner, Whole())
    own = activities.ids[rows] if len(activities.ids) else NOTHING
    maker.numbers("CRM_ACTIVITY_ID", np.where(linked, own, NOTHING), Whole())


def _late(maker: Maker, plan: CallPlan, *, answered: np.ndarray) -> None:
    newest = plan.ended > (plan.ended.max(initial=0) - 2 * DAY)
    recorded = answered & ~newest & (maker.rng.random(maker.size) < 0.9)
    files = [None, *range(9001, 9001 + maker.size)]
    maker.codes("RECORD_FILE_ID", np.where(recorded, np.arange(1, maker.size + 1), 0), files)
    voted = recorded & (maker.rng.random(maker.size) < 0.2)
    maker.numbers("CALL_VOTE", np.where(voted, maker.rng.integers(1, 6, maker.size), 0), Whole())
    maker.numbers("TRANSCRIPT_ID", np.where(voted, np.arange(maker.size), NOTHING), Whole())
    maker.flags("TRANSCRIPT_PENDING", 0.01)
    maker.codes("COMMENT", voted.astype(np.int32), [None, "Хороший разговор"])
