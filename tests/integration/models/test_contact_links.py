"""`dim_contact_link` beside the sandbox's own truth."""

from __future__ import annotations

from typing import Any

from b24_pipeline.models import build, load_project
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store.database.warehouse import Warehouse
from tests.support.installation import Installation, worked


def links(installation: Installation) -> set[tuple[Any, ...]]:
    rows = installation.rows(
        "select entity_type, entity_id, contact_id, is_primary from analytics.dim_contact_link where portal = 'acme'"
    )
    return {tuple(row.values()) for row in rows}


def expected(sandbox: Sandbox) -> set[tuple[Any, ...]]:
    """Without templates of recurring deals; what is deleted has no links."""
    deals = sandbox.truth.entities("deal")
    templates = set(deals[deals["IS_RECURRING"] == "Y"]["ID"])
    contacts = set(sandbox.truth.entities("contact")["ID"])
    return {
        (entity_type, number, contact, place == 0 and entity_type != "company")
        for entity_type in ("lead", "deal", "company")
        for number, ids in sandbox.truth.contacts(entity_type).items()
        for place, contact in enumerate(ids)
        if contact in contacts and not (entity_type == "deal" and number in templates)
    }


def test_links_are_those_of_the_portal(warehouse: Warehouse) -> None:
    """And those of deleted owners and contacts go."""
    installation = Installation(warehouse)
    with Sandbox(SandboxConfig(leads=80, deals=80)) as sandbox:
        portal = installation.add(sandbox)
        worked(installation.sync(portal))
        build(warehouse.connect, load_project(), select="+dim_contact_link")
        assert links(installation) == expected(sandbox)
        several = next(number for number, ids in sandbox.truth.contacts("deal").items() if len(ids) > 1)
        other = sandbox.truth.contacts("deal")[several][1]
        sandbox.delete("contact", other)
        sandbox.delete("lead", next(number for number, ids in sandbox.truth.contacts("lead").items() if ids))
        worked(installation.sync(portal, full=True))
        assert links(installation) == expected(sandbox)
        assert (several, other) not in {(number, contact) for _, number, contact, _ in links(installation)}
