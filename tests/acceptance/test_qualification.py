"""Who is qualified, by the portal's own values: at once, and after a thousand changes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from b24_pipeline.models import build, load_project
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.qualification import evaluation
from b24_pipeline.store.qualification.conditions import read_conditions
from tests.support.expected.funnel import assert_funnel_equal
from tests.support.expected.qualification import Condition, Kept, assert_qualification_equal, some_conditions
from tests.support.installation import Installation, worked

DELETING = ("user_field", "edit", "add", "delete")


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 6))])
def test_qualification_is_what_the_portal_s_values_say(
    warehouse: Warehouse, database_url: str, seed: int
) -> None:
    """The mart equals a computation of its own, also after changes and deletions; a first time is kept."""
    config = SandboxConfig(leads=700, deals=700, seed=seed, history_survives_delete=True)
    with Sandbox(config) as sandbox:
        installation = Installation(warehouse)
        portal = installation.add(sandbox)
        worked(installation.sync(portal))
        conditions = some_conditions(sandbox, seed)
        warehouse.transact(
            lambda connection: evaluation.set_conditions(connection, portal.id, read_conditions(conditions))
        )
        first = checked(warehouse, database_url, sandbox, conditions, {})
        assert len({field for _, field, _ in first.values()}) >= 3  # by two conditions at least, and by none

        sandbox.change(1000, seed=seed)
        worked(installation.sync(portal))
        second = checked(warehouse, database_url, sandbox, conditions, first)
        assert len(second) > len(first)

        report = sandbox.change(60, seed=seed + 100, kinds=DELETING)
        worked(installation.sync(portal, full=True))
        checked(warehouse, database_url, sandbox, conditions, second)
        assert report.deleted["deal"]
        assert report.deleted["contact"]


def checked(
    warehouse: Warehouse, url: str, sandbox: Sandbox, conditions: Sequence[Condition], before: Kept
) -> Kept:
    """After a build; the funnel counts the same ones."""
    build(warehouse.connect, load_project(), select="+qualification +funnel_stats", with_tests=False)
    kept = assert_qualification_equal(url, sandbox, "acme", conditions, before)
    for entity_type in ("lead", "deal"):
        alive = set(sandbox.truth.entities(entity_type)["ID"])
        qualified = {
            number for (kind, number), (yes, *_) in kept.items() if yes and kind == entity_type
        } & alive
        assert_funnel_equal(url, sandbox, "acme", entity_type, qualified)
    return kept
