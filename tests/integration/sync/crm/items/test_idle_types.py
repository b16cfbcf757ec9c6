"""What an idle portal costs of which twenty types are read."""

from __future__ import annotations

from collections import Counter

from b24_pipeline.sandbox import Sandbox, SandboxConfig
from tests.integration.sync.crm.items.conftest import choose, smart_names
from tests.support.installation import Installation, worked

CONFIG = SandboxConfig(leads=40, deals=40, smart_types=18, smart_items=20, invoices=20, quotes=20)
TYPES = 20


def test_twenty_idle_types_cost_one_request_more(installation: Installation) -> None:
    """A list, moves, fields and pipelines of each are a command; the last two have no cursor."""
    with Sandbox(CONFIG) as sandbox:
        portal = installation.add(sandbox)
        choose(installation, portal, "invoice", "quote", *smart_names(sandbox))
        for _ in range(2):
            worked(installation.sync(portal))
        sandbox.portal.clock.shift(100)
        sandbox.reset_stats()
        before = len(sandbox.requests)
        outcomes = worked(installation.sync(portal))
        asked = Counter(method for request in sandbox.requests[before:] for method in request.methods)
        assert sandbox.stats.requests == 3, asked
    assert sum(one.rows_changed for one in outcomes.values()) == 0
    assert asked["crm.item.list"] == asked["crm.item.fields"] == TYPES
    assert asked["crm.stagehistory.list"] <= TYPES + 2
