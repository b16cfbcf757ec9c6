"""What the doctor advises where the portal refused an entity in its last sync."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from b24_pipeline.commands.doctor import _examine_syncs

AGAIN = "b24 sync acme"


@pytest.mark.parametrize(
    ("entity", "code", "advice"),
    [
        (
            "quote",
            "InvalidArgument",
            "b24 portal entities acme --remove quote, or mend what the message says",
        ),
        (
            "item_156",
            "ObjectNotFound",
            "b24 portal entities acme --remove item_156, or mend what the message says",
        ),
        (
            "invoice",
            "AccessDenied",
            "b24 portal entities acme --remove invoice, or mend what the message says",
        ),
        (
            "invoice_history",
            "ScopeMissing",
            "b24 portal entities acme --remove invoice, or mend what the message says",
        ),
        ("quote", "PortalTimeout", AGAIN),
        ("quote", "OperatingLimit", AGAIN),
        ("deal", "AccessDenied", AGAIN),
        ("pipelines", "InvalidArgument", AGAIN),
    ],
)
def test_what_was_chosen_can_be_left(entity: str, code: str, advice: str) -> None:
    """Another sync ends like the last one, unless the fault may pass; leads and deals cannot be left."""
    sync: dict[str, Any] = {
        "entity_type": entity,
        "sync_status": "failed",
        "sync_type": "full",
        "error_code": code,
        "error_message": "acme: refused",
        "is_abandoned": False,
        "cursor_watermark": datetime.now(UTC),
        "values_set_aside": 0,
        "rows_left_out": 0,
    }
    (finding,) = _examine_syncs(SimpleNamespace(name="acme"), [sync])  # type: ignore[arg-type]
    assert finding.advice == advice
