"""What the wizard recognises stands in the setup guide, with the values that it shows."""

from __future__ import annotations

import re
from pathlib import Path

from b24_pipeline.web.connect.mending import MENDING, ConnectValues
from b24_pipeline.web.frame.reasons import REASONS

PUBLIC = "https://b24.example.com"


def test_the_setup_guide_lists_what_is_recognised() -> None:
    """In both languages, and each has a reason for people."""
    for name in ("bitrix24-setup.md", "bitrix24-setup.ru.md"):
        guide = (Path(__file__).parents[4] / "docs" / name).read_text("utf-8")
        listed = set(re.findall(r"^\| `([a-z_]+)` \|", guide, re.MULTILINE))
        assert listed - {"insufficient_scope"} == set(MENDING)
    assert set(MENDING) <= set(REASONS)
    values = ConnectValues(PUBLIC)
    assert all("{" not in step.paste for code in MENDING for step in values.steps(code))
