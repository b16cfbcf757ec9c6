"""What a sync and the doctor say of values and rows that could not be stored."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from b24_pipeline.commands.doctor import _examine_syncs
from b24_pipeline.commands.sync import show_outcomes
from b24_pipeline.sync.outcome import Outcome


def test_sync_tells_values_and_rows_apart(capsys: pytest.CaptureFixture[str]) -> None:
    """A value is somewhere in its row; of a row that was left out nothing is stored, and why is said."""
    show_outcomes(
        [
            Outcome("acme", "deal", "full", values_set_aside=3),
            Outcome("acme", "deal_history", "full", rows_left_out=2),
        ]
    )
    said = " ".join("".join(capsys.readouterr()).split())
    assert "3 values could not be stored as they came; see the columns extra and custom_fields" in said
    assert (
        "acme: 2 rows of deal_history were left out: a move needs a lead or deal, a stage and a time" in said
    )


def test_doctor_names_rows_that_were_left_out() -> None:
    """By entity, with the reason."""
    sync: dict[str, Any] = {
        "entity_type": "user",
        "sync_status": "success",
        "sync_type": "full",
        "is_abandoned": False,
        "cursor_watermark": datetime.now(UTC),
        "values_set_aside": 0,
        "rows_left_out": 1,
    }
    (finding,) = _examine_syncs(SimpleNamespace(name="acme"), [sync])  # type: ignore[arg-type]
    assert finding.problem == (
        "1 rows of user were left out: each needs an id that is a number of at most 64 bits, "
        "an entry of a directory its code"
    )
