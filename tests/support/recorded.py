"""Bodies that real portals sent, as they came: `tests/data/real_responses/`."""

from __future__ import annotations

from pathlib import Path

RECORDED = Path(__file__).parents[1] / "data" / "real_responses"
