"""An own ad lead whose phone is that of a deal's second contact or company, through real syncs up to its revenue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from b24_pipeline.models import build, load_project
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.sandbox.controls.faults import Fault
from b24_pipeline.store.crm.contact_links import OWNER_TYPES
from b24_pipeline.store.portals.portal import Portal
from tests.support.installation import Installation, execute, worked

SECOND, COMPANY = "8 921 555-00-02", "8 495 555-00-03"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig(leads=10, deals=10, contacts=10, companies=2)) as portal:
        yield portal


@pytest.fixture
def portal(installation: Installation, sandbox: Sandbox) -> Portal:
    """With own leads that came by one creative, from the phones of a second contact and of a company."""
    made = installation.add(sandbox)
    execute(
        installation.warehouse,
        "with made as (insert into creatives (user_account_id, name) values (%s, 'video') returning id)"
        " insert into leads (user_account_id, phone, creative_id)"
        " select %s, phone, id from made cross join unnest(%s::text[]) as phone",
        made.id,
        made.id,
        [SECOND, COMPANY],
    )
    return made


def add(sandbox: Sandbox, kind: str, phone: str, **fields: Any) -> int:
    given = [{"VALUE": phone, "VALUE_TYPE": "WORK"}]
    return sandbox.add(kind, {"TITLE": "Somebody", "NAME": "Somebody", "PHONE": given, **fields})


def won_deal(sandbox: Sandbox, amount: int, **fields: Any) -> int:
    about = {"TITLE": "A deal", "OPPORTUNITY": str(amount), "CURRENCY_ID": "RUB", "STAGE_ID": "WON"}
    return sandbox.add("deal", {**about, **fields})


def found(installation: Installation, phone: str) -> tuple[Any, ...]:
    (row,) = installation.rows(
        "select l.bitrix24_deal_id as deal, l.bitrix24_contact_id as contact, l.current_status_id as status,"
        " m.method, m.chosen_because from leads l left join lead_matches m on m.lead_id = l.id where phone = %s",
        phone,
    )
    return tuple(row.values())


def revenue(installation: Installation) -> list[tuple[Any, ...]]:
    build(installation.warehouse.connect, load_project())
    found = installation.rows(
        "select won, revenue from analytics.creative_stats where creative_name = 'video' and entity_type = 'deal'"
    )
    return [(row["won"], row["revenue"]) for row in found]


def test_the_second_contact_brings_deal_status_and_revenue(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """And the company does; a contact that is removed from the deal takes them away."""
    first, second = add(sandbox, "contact", "8 921 555-00-01"), add(sandbox, "contact", SECOND)
    company = add(sandbox, "company", COMPANY)
    deal, others = won_deal(sandbox, 500, CONTACT_ID=first), won_deal(sandbox, 70, COMPANY_ID=company)
    sandbox.set_contacts("deal", deal, [first, second])
    worked(installation.sync(portal))
    assert found(installation, SECOND) == (deal, second, "WON", "contact_phone", "newest_deal")
    assert found(installation, COMPANY) == (others, None, "WON", "company_phone", "newest_deal")
    assert revenue(installation) == [(2, 570)]
    sandbox.set_contacts("deal", deal, [first])
    worked(installation.sync(portal))
    assert found(installation, SECOND) == (None, second, None, "contact_phone", "only_contact")
    assert revenue(installation) == [(1, 70)]


def test_a_portal_that_tells_no_links_keeps_everything_else(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """The main contact is matched as before, and the second one as soon as the portal tells it."""
    for method in ("crm.item.list", *(f"crm.{name}.contact.items.get" for name in OWNER_TYPES)):
        sandbox.faults.add(Fault("command_error", method, error="ACCESS_DENIED", status=403))
    first, second = add(sandbox, "contact", COMPANY), add(sandbox, "contact", SECOND)
    deal = won_deal(sandbox, 500)
    sandbox.set_contacts("deal", deal, [first, second])
    worked(installation.sync(portal))
    assert found(installation, COMPANY)[:2] == (deal, first)
    assert found(installation, SECOND)[0] is None
    sandbox.faults.clear()
    worked(installation.sync(portal, full=True))
    assert found(installation, SECOND)[:2] == (deal, second)
