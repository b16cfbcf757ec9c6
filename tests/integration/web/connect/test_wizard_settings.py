"""The last steps of the wizard: what counts, set on pages that lead back, and the funnel that is counted by it."""

from __future__ import annotations

import re
from html import unescape

from b24_pipeline.models import build, load_project
from tests.integration.web.connect.test_wizard import Site, database, operator, shared, site, visitor
from tests.integration.web.pages.conftest import Visitor
from tests.support.data.model_data import add_stage
from tests.support.servers.pages_site import text_of

__all__ = ["database", "operator", "shared", "site", "visitor"]


def test_what_counts_is_set_within_the_wizard(site: Site, operator: Visitor) -> None:
    """Its links lead to the pages of settings, which keep the steps and the way back, also after a form."""
    with site.warehouse.connect() as connection:
        (account_id,) = connection.execute("select id from user_accounts").fetchone() or ()
        add_stage(connection, account_id, "NEW", 10)
        (stage,) = connection.execute("select id from bitrix24_pipeline_stages").fetchone() or ()
    wizard = operator.client.get("/connect/acme/settings").text
    for name in ("stages", "qualification", "key-stages"):
        assert f'href="/p/acme/{name}?wizard=yes"' in wizard
        page = operator.client.get(f"/p/acme/{name}?wizard=yes").text
        assert 'aria-current="step"' in page
        assert 'href="/connect/acme/settings"' in page
        assert 'aria-current="step"' not in operator.client.get(f"/p/acme/{name}").text
    flags = {"flag": [f"{stage}:is_qualified"]}
    path = "/p/acme/stages?wizard=yes"
    actions = set(re.findall(r'method="post" action="([^"]+)"', operator.client.get(path).text))
    assert {"/p/acme/stages/preview"} <= {unescape(one).partition("?")[0] for one in actions}
    assert all("wizard=yes" in one for one in actions if "/p/acme/" in one)
    assert 'aria-current="step"' in operator.post("/p/acme/stages/preview?wizard=yes", path, **flags).text
    saved = operator.post(path, path, **flags)
    assert saved.status_code == 303
    assert 'aria-current="step"' in operator.client.get(saved.headers["location"]).text
    elsewhere = operator.client.get("/p/acme/stages?wizard=https://evil.example.com").text
    assert "evil" not in elsewhere.split("<main")[1], "what the address says leads nowhere"


def test_the_funnel_is_made_of_what_was_set_before_it_is_shown(site: Site, operator: Visitor) -> None:
    """The last step waits until the figures are made by the new settings, and can be left at any time."""
    asked = operator.post("/connect/acme/funnel", "/connect/acme/settings")
    assert (asked.status_code, asked.headers["location"]) == (303, "/connect/acme/funnel")
    assert site.asked.has_built.wait(30)
    page = operator.client.get("/connect/acme/funnel")
    assert page.status_code == 200
    assert "The figures are being made" in text_of(page.text)
    assert 'hx-trigger="every 2s"' in page.text
    shown = "/p/acme/funnel?from=&to=&wizard=yes"
    assert f'href="{shown}"' in unescape(page.text)
    build(site.warehouse.connect, load_project())
    ready = operator.client.get("/connect/acme/funnel")
    assert (ready.status_code, ready.headers["location"]) == (303, shown)
    moved = operator.client.get("/connect/acme/funnel", headers={"HX-Request": "true"})
    assert (moved.status_code, moved.headers["hx-redirect"]) == (204, shown)
    site.asked.calls.clear()
    operator.post("/connect/acme/funnel", "/connect/acme/settings")
    assert site.asked.calls == [], "nothing was set since"
