"""A local Bitrix24 portal: a real HTTP server on loopback that behaves as docs/bitrix24-rest.md and
docs/bitrix24-rest-more.md say.

    with Sandbox(SandboxConfig(leads=1000, deals=1000, seed=7)) as sandbox:
        read(sandbox.webhook_url)
        sandbox.change(100)
        compare(sandbox.truth.entities("deal"))

It is its authorization server too: an app (`config.client_id`) gets its code at `/oauth/authorize/`,
its tokens at `/oauth/token/`, and binds events, which the portal sends as it really does:
once each, behind everybody's back, by setting lost, doubled or out of turn.

        sandbox.move("deal", 7, "C4:WON")
        sandbox.wait_for_events()

    with Sandbox(SandboxConfig(smart_types=3, smart_items=100, activities=500, calls=200)) as sandbox:
        sandbox.faults.before("crm.item.list", 2, lambda: sandbox.add_type("Another"))
        sandbox.set_quirks(forbidden_types=[31])

What portals do differently is in `Quirks`. Other processes steer it under `/sandbox/` (see
`http.control`). It imports nothing else of this project, so that whatever reads it cannot
agree with it by sharing code.
"""

from b24_pipeline.sandbox.config import (
    TO_TRY,
    CostModel,
    EventDelivery,
    Limits,
    Quirks,
    SandboxConfig,
    parse_counts,
    today,
)
from b24_pipeline.sandbox.controls.changes import ChangeReport
from b24_pipeline.sandbox.controls.faults import Fault
from b24_pipeline.sandbox.controls.truth import Truth
from b24_pipeline.sandbox.events.sender import SentEvent
from b24_pipeline.sandbox.journal import RequestRecord, Stats
from b24_pipeline.sandbox.sandbox import Sandbox, serve

__all__ = [
    "TO_TRY",
    "ChangeReport",
    "CostModel",
    "EventDelivery",
    "Fault",
    "Limits",
    "Quirks",
    "RequestRecord",
    "Sandbox",
    "SandboxConfig",
    "SentEvent",
    "Stats",
    "Truth",
    "parse_counts",
    "serve",
    "today",
]
