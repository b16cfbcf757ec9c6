"""What an application's card must say, and that the setup guide lists what the wizard recognises."""

from __future__ import annotations

import re
from pathlib import Path

from b24_pipeline.web.connect.mending import EXAMPLE, MENDING, ConnectValues
from b24_pipeline.web.frame.reasons import REASONS

PUBLIC = "https://b24.example.com"


def test_the_permission_to_stand_inside_is_asked_for_where_it_is_of_use() -> None:
    """A portal opens a page of ours in itself over https alone."""
    assert ConnectValues(PUBLIC).scopes.endswith(", placement")
    assert "placement" not in ConnectValues("http://127.0.0.1:8024").scopes


def test_an_address_to_open_is_the_one_that_was_asked() -> None:
    """A sandbox has neither https nor the usual port; an error may have it behind the name of the portal."""
    values = ConnectValues(PUBLIC)
    for portal in ("http://127.0.0.1:8077", "sandbox (http://127.0.0.1:8077)"):
        assert values.steps("portal_unreachable", portal)[0].paste == "http://127.0.0.1:8077/"
        assert values.steps("address_refused", portal)[1].paste == "B24_ALLOWED_PORTALS=127.0.0.1:8077"
    assert values.steps("portal_deleted", "acme.bitrix24.com")[0].paste == "https://acme.bitrix24.com/"


def test_the_setup_guide_lists_what_is_recognised() -> None:
    """In both languages, and each has a reason for people."""
    for name in ("bitrix24-setup.md", "bitrix24-setup.ru.md"):
        guide = (Path(__file__).parents[4] / "docs" / name).read_text("utf-8")
        listed = set(re.findall(r"^\| `([a-z_]+)` \|", guide, re.MULTILINE))
        assert listed - {"insufficient_scope"} == set(MENDING)
    assert set(MENDING) <= set(REASONS)
    values = ConnectValues(PUBLIC)
    assert all("{" not in step.paste.replace(EXAMPLE, "") for code in MENDING for step in values.steps(code))
