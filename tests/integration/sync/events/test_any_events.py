"""Whatever happens in a portal and to its events, repeated, reordered, delayed: the tables end as the portal is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from b24_pipeline.bitrix.events.inbound import parse_event
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.events.landing import Landing
from b24_pipeline.sync.events.drain import drain
from b24_pipeline.sync.options import Options
from tests.conftest import Server
from tests.support.data.events import body
from tests.support.expected.tables import assert_entities_equal, assert_history_equal
from tests.support.frames import tuples
from tests.support.installation import Installation, fetch, worked

TYPES = ("lead", "deal", "contact", "company")
STAGES = {"lead": ("NEW", "IN_PROCESS", "CONVERTED", "JUNK"), "deal": ("NEW", "PREPARATION", "WON", "LOSE")}
PICK = st.integers(0, 10_000)


class AnyEvents(RuleBasedStateMachine):
    """A small portal, and its events on their way to us."""

    server: Server

    @initialize()
    def connect(self) -> None:
        """Synced once; from now on events alone keep the copy."""
        self.url = self.server.fresh()
        self.installation = Installation(Warehouse(self.url))
        self.sandbox = Sandbox(SandboxConfig(leads=6, deals=6, history_survives_delete=True)).start()
        self.portal = self.installation.add(self.sandbox)
        worked(self.installation.sync(self.portal))
        self.under_way: list[tuple[str, int]] = []
        self.arrived: list[tuple[str, int]] = []

    def teardown(self) -> None:
        """Everything that is under way arrives in the end."""
        if not hasattr(self, "sandbox"):
            return
        try:
            self.arrive(self.under_way)
            self.drain()
            self.check()
        finally:
            self.sandbox.stop()
            self.installation.warehouse.close()
            self.server.drop(self.url)

    @rule(entity_type=st.sampled_from(TYPES))
    def add(self, entity_type: str) -> None:
        number = self.sandbox.add(entity_type, {"TITLE": "new", "NAME": "new"})
        self.sends(f"ONCRM{entity_type.upper()}ADD", number)

    @rule(entity_type=st.sampled_from(TYPES), pick=PICK, title=st.text("аб\n\t\\", max_size=3))
    def edit(self, entity_type: str, pick: int, title: str) -> None:
        if number := self.one(entity_type, pick):
            self.sandbox.update(entity_type, number, {"TITLE": title, "NAME": title})
            self.sends(f"ONCRM{entity_type.upper()}UPDATE", number)

    @rule(entity_type=st.sampled_from(["lead", "deal"]), pick=PICK, stage=st.integers(0, 3))
    def move(self, entity_type: str, pick: int, stage: int) -> None:
        if number := self.one(entity_type, pick):
            self.sandbox.move(
                entity_type, number, STAGES[entity_type][stage], 0 if entity_type == "deal" else None
            )
            self.sends(f"ONCRM{entity_type.upper()}UPDATE", number)

    @rule(pick=PICK)
    def move_to_another_pipeline(self, pick: int) -> None:
        categories = [int(one.category_id) for one in tuples(self.sandbox.truth.pipelines())]
        if number := self.one("deal", pick):
            category = categories[pick % len(categories)]
            stages = [s for s in tuples(self.sandbox.truth.stages("deal")) if s.category_id == category]
            self.sandbox.move("deal", number, stages[0].status_id, category)
            self.sends("ONCRMDEALMOVETOCATEGORY", number)

    @rule(entity_type=st.sampled_from(TYPES), pick=PICK)
    def delete(self, entity_type: str, pick: int) -> None:
        if number := self.one(entity_type, pick):
            self.sandbox.delete(entity_type, number)
            self.sends(f"ONCRM{entity_type.upper()}DELETE", number)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def arrive_in_any_order(self, data: Any) -> None:
        mixed = data.draw(st.permutations(self.under_way))
        some = data.draw(st.integers(1, len(mixed)))
        self.arrive(mixed[:some])
        self.under_way = mixed[some:]

    @precondition(lambda self: self.arrived)
    @rule(pick=PICK, times=st.integers(1, 5))
    def arrive_again(self, pick: int, times: int) -> None:
        self.arrive([self.arrived[pick % len(self.arrived)]] * times)

    @rule(limit=st.sampled_from([None, 1, 3]))
    def drain(self, limit: int | None = None) -> None:
        worked({one.entity: one for one in drain(self.installation.connections, Options(), limit=limit)})

    @rule()
    def sync(self) -> None:
        """A sync by watermark goes on beside."""
        worked(self.installation.sync(self.portal, entities=("deal", "status_history")))

    @invariant()
    def nothing_failed(self) -> None:
        if hasattr(self, "installation"):
            found = fetch(
                self.installation.warehouse,
                "select error from bitrix24_webhook_events where attempts > 0 or error is not null",
            )
            assert found == []

    def sends(self, event: str, number: int) -> None:
        self.under_way.append((event, number))

    def arrive(self, events: list[tuple[str, int]]) -> None:
        landed = [(self.portal.id, parse_event(body(name, number))) for name, number in events]
        Landing(self.installation.warehouse).land(landed)
        self.arrived += events

    def one(self, entity_type: str, pick: int) -> int | None:
        numbers = [int(number) for number in self.sandbox.truth.entities(entity_type)["ID"]]
        return numbers[pick % len(numbers)] if numbers else None

    def check(self) -> None:
        for entity_type in TYPES:
            assert_entities_equal(self.url, self.sandbox, entity_type)
        for entity_type in ("lead", "deal"):
            assert_history_equal(self.url, self.sandbox, entity_type)
        pending = fetch(
            self.installation.warehouse, "select * from bitrix24_webhook_events where status != 'done'"
        )
        assert pending == []


@pytest.mark.parametrize(
    ("examples", "steps"),
    [(4, 20), pytest.param(20, 20, marks=pytest.mark.slow), pytest.param(150, 40, marks=pytest.mark.slow)],
)
def test_any_sequence_of_events_ends_in_the_same_tables(server: Server, examples: int, steps: int) -> None:
    """Rows, tombstones and every move."""
    AnyEvents.server = server
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(AnyEvents, settings=chosen)
