"""Whatever becomes of the events: after a drain and a reconciliation the tables are the portal."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from b24_pipeline.bitrix.events.inbound import parse_event
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store.events.landing import Landing
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.events.drain import drain
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.run import reconcile_portals
from tests.support.data.events import body
from tests.support.expected.tables import assert_entities_equal, assert_history_equal
from tests.support.installation import Installation, execute, worked

ACTS = ("edit", "move", "add", "delete", "forget", "age")
TABLES = {"lead": "bitrix24_leads", "deal": "bitrix24_deals"}

Act = tuple[str, str, int, int]
"""What, to which entity type, to which of its rows, and how many copies of its event arrive (0: it is lost)."""

acts = st.lists(
    st.tuples(st.sampled_from(ACTS), st.sampled_from(list(TABLES)), st.integers(0, 30), st.integers(0, 2)),
    min_size=1,
    max_size=12,
)
_titles = itertools.count()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Moves of deleted elements stay there, as they do here."""
    with Sandbox(SandboxConfig(leads=60, deals=60, history_survives_delete=True)) as made:
        yield made


@pytest.fixture
def portal(installation: Installation, sandbox: Sandbox) -> Portal:
    connected = installation.add(sandbox)
    worked(installation.sync(connected))
    return connected


class Life:
    """What users do to a portal, and what becomes of it on the way to us."""

    def __init__(self, installation: Installation, sandbox: Sandbox, portal: Portal) -> None:
        self.installation = installation
        self.sandbox = sandbox
        self.portal = portal
        self.events: list[tuple[str, int]] = []

    def do(self, act: Act) -> None:
        what, entity, place, copies = act
        ids = [int(number) for number in self.sandbox.truth.entities(entity)["ID"]]
        if what == "add":
            name, number = "ADD", self.sandbox.add(entity, {"TITLE": f"new {next(_titles)}"})
        else:
            number = ids[place % len(ids)]
            name = getattr(self, f"_{what}")(entity, number)
        if name:
            self.events += [(f"ONCRM{entity.upper()}{name}", number)] * copies

    def _edit(self, entity: str, number: int) -> str:
        self.sandbox.update(entity, number, {"TITLE": f"changed {next(_titles)}"})
        return "UPDATE"

    def _move(self, entity: str, number: int) -> str:
        if entity == "lead":
            self.sandbox.move("lead", number, "IN_PROCESS")
            return "UPDATE"
        self.sandbox.move("deal", number, "C6:NEW", category=6)
        return "" if number % 2 else "UPDATE"  # at most announced as another event

    def _delete(self, entity: str, number: int) -> str:
        self.sandbox.delete(entity, number)
        return "DELETE"

    def _forget(self, entity: str, number: int) -> None:
        """Our row is lost; no event and no watermark brings it back."""
        execute(self.installation.warehouse, f"delete from {TABLES[entity]} where id = %s", number)

    def _age(self, entity: str, number: int) -> None:
        """A change of long ago was missed."""
        execute(
            self.installation.warehouse,
            f"update {TABLES[entity]} set title = 'old', date_modify = date_modify - interval '90 days' "
            "where id = %s",
            number,
        )

    def deliver(self, order: Sequence[int]) -> None:
        """In this order, as far as there are events."""
        places = sorted(range(len(self.events)), key=lambda place: order[place % len(order)])
        shuffled = [self.events[place] for place in places]
        parsed: list[Any] = [(self.portal.id, parse_event(body(*event))) for event in shuffled]
        Landing(self.installation.warehouse).land(parsed)
        self.events.clear()


def assert_true(installation: Installation, sandbox: Sandbox) -> None:
    url = installation.warehouse.url.for_people(hide_password=False)
    plain = url.replace("postgresql+psycopg://", "postgresql://")
    for entity in TABLES:
        assert_entities_equal(plain, sandbox, entity)
        assert_history_equal(plain, sandbox, entity)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(series=st.lists(acts, min_size=1, max_size=3), order=st.permutations(range(7)))
def test_any_fate_of_events_ends_in_the_same_tables(
    installation: Installation, sandbox: Sandbox, portal: Portal, series: list[list[Act]], order: list[int]
) -> None:
    """Whether events are lost, repeated or reordered, and rows lost on our side, the tables end as the portal is."""
    life = Life(installation, sandbox, portal)
    for part in series:
        for act in part:
            life.do(act)
        life.deliver(order)
        assert all(one.worked for one in drain(installation.connections, Options()))
    outcomes = reconcile_portals(installation.connections, [portal], Options())
    assert [one.error for one in outcomes if one.error] == []
    assert_true(installation, sandbox)
    again = reconcile_portals(installation.connections, [portal], Options())
    assert {(one.missing, one.outdated, one.rows_deleted) for one in again} == {(0, 0, 0)}
