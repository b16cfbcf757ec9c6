"""Own ad leads that the copy does not know: the portal's own search."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from b24_pipeline.errors import EntityTypeNotCounted, MethodNotFound
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.own_leads import match as matching
from b24_pipeline.sync.own_leads.match import MatchOutcome, match, match_portals
from b24_pipeline.sync.own_leads.portal_search import search
from tests.support.installation import Installation, execute


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A portal whose people have the phones that a test gives them."""
    with Sandbox(SandboxConfig(leads=10, deals=10, contacts=10, companies=2)) as portal:
        yield portal


@pytest.fixture
def portal(synced_portal: Portal) -> Portal:
    """Connected and synced."""
    return synced_portal


def own(installation: Installation, portal: Portal, *phones: str) -> None:
    for phone in phones:
        execute(
            installation.warehouse,
            "insert into leads (user_account_id, phone) values (%s, %s)",
            portal.id,
            phone,
        )


def add(sandbox: Sandbox, kind: str, *phones: str, **fields: Any) -> int:
    given = [{"VALUE": phone, "VALUE_TYPE": "WORK"} for phone in phones]
    return sandbox.add(kind, {"TITLE": "Somebody", "NAME": "Somebody", "PHONE": given, **fields})


def run(installation: Installation, portal: Portal) -> MatchOutcome:
    (done,) = match_portals(installation.connections, [portal], Options())
    assert done.error is None
    return done


def found(installation: Installation) -> list[dict[str, Any]]:
    return installation.rows(
        "select l.phone, m.method, l.bitrix24_lead_id as lead, l.bitrix24_contact_id as contact,"
        " l.bitrix24_deal_id as deal, m.unmatched_reason as reason, m.asked_portal_at is not null as asked"
        " from leads l join lead_matches m on m.lead_id = l.id order by l.phone"
    )


def test_what_the_copy_lacks_is_found_in_the_portal(
    installation: Installation, portal: Portal, sandbox: Sandbox
) -> None:
    """Lead and contact are fetched, stored and matched with one search for both types."""
    lead = add(sandbox, "lead", "8 (921) 555-00-01")
    contact = add(sandbox, "contact", "8 921 555 00 02 доб. 7", "+7 812 555-00-03")
    own(installation, portal, "+79215550001", "812 555 00 03", "+7 921 555 00 09", "нет")
    done = run(installation, portal)
    assert (done.own_leads, done.matched, done.linked, done.not_found) == (4, 2, 2, 1)
    assert done.requests == 2
    assert found(installation) == [
        row("+7 921 555 00 09", reason="not_found", asked=True),
        row("+79215550001", method="portal_lead", lead=lead, asked=True),
        row("812 555 00 03", method="portal_contact", contact=contact, asked=True),
        row("нет", reason="invalid_phone"),
    ]
    kept = installation.rows("select title from bitrix24_leads where id = %s", lead)
    assert kept == [{"title": "Somebody"}]


def row(phone: str, **about: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(("method", "lead", "contact", "deal", "reason"))
    return {"phone": phone, **nothing, "asked": False, **about}


def test_once_more_asks_nothing(installation: Installation, portal: Portal, sandbox: Sandbox) -> None:
    """A phone is searched for again only after a day, or if it has changed."""
    own(installation, portal, "+79215550001", "+79215550009")
    assert run(installation, portal).requests == 1
    add(sandbox, "contact", "+79215550001")
    again = run(installation, portal)
    assert (again.requests, again.linked, again.updated, again.not_found) == (0, 0, 0, 2)
    execute(
        installation.warehouse,
        "update lead_matches set asked_portal_at = now() - %s",
        timedelta(hours=24, minutes=1),
    )
    later = run(installation, portal)
    assert (later.requests, later.linked) == (2, 1)
    add(sandbox, "contact", "+79215550010")
    execute(installation.warehouse, "update leads set phone = '+79215550010' where phone = '+79215550009'")
    changed = run(installation, portal)
    assert (changed.requests, changed.linked, changed.not_found) == (2, 1, 0)


def test_a_match_of_the_portal_stays_its_find(
    installation: Installation, portal: Portal, sandbox: Sandbox
) -> None:
    """Its deal arrives with the next sync, and is matched without a request of ours."""
    contact = add(sandbox, "contact", "+79215550001")
    deal = sandbox.add("deal", {"TITLE": "A deal", "CONTACT_ID": contact, "STAGE_ID": "NEW"})
    own(installation, portal, "+79215550001")
    run(installation, portal)
    installation.sync(portal)
    (mine,) = found(installation)
    assert mine == row("+79215550001", method="portal_contact", contact=contact, deal=deal, asked=True)


def test_what_the_copy_knows_costs_no_request(
    installation: Installation, portal: Portal, sandbox: Sandbox
) -> None:
    """An own lead whose phone is in the copy is matched without a request."""
    contact = add(sandbox, "contact", "+79215550001")
    installation.sync(portal)
    own(installation, portal, "8 921 555-00-01")
    assert run(installation, portal).requests == 0
    assert found(installation) == [row("8 921 555-00-01", method="contact_phone", contact=contact)]


def test_a_company_is_found_by_its_phone(
    installation: Installation, portal: Portal, sandbox: Sandbox
) -> None:
    """Its deal comes with the next sync, and the match stays the portal's find."""
    company = add(sandbox, "company", "+79215550001")
    own(installation, portal, "+79215550001")
    run(installation, portal)
    assert found(installation) == [row("+79215550001", method="portal_company", asked=True)]
    deal = sandbox.add("deal", {"TITLE": "A deal", "COMPANY_ID": company, "STAGE_ID": "NEW"})
    installation.sync(portal)
    assert found(installation) == [row("+79215550001", method="portal_company", deal=deal, asked=True)]


def test_many_hits_in_leads_do_not_hide_contacts(
    installation: Installation, portal: Portal, sandbox: Sandbox
) -> None:
    """With twenty leads in an answer the portal looks for no contact: those are asked for again."""
    contact = add(sandbox, "contact", "+79215550099")
    phones = [f"+792155500{number:02}" for number in range(19)]
    for phone in [*phones, phones[0]]:
        add(sandbox, "lead", phone)
    own(installation, portal, *phones, "+79215550099")
    done = run(installation, portal)
    assert (done.matched, done.requests) == (20, 3)
    assert row("+79215550099", method="portal_contact", contact=contact, asked=True) in found(installation)


@pytest.mark.parametrize(
    ("counted", "asked", "kinds"),
    [
        ("lead", None, {"lead"}),
        ("deal", None, {"contact", "company"}),
        ("both", "lead", {"lead"}),
        ("both", None, None),
    ],
)
def test_only_what_is_counted_is_searched_for(
    installation: Installation, portal: Portal, sandbox: Sandbox, counted: str, asked: str | None, kinds: Any
) -> None:
    """The portal is searched for leads, for contacts and companies because of their deals, or for all."""
    installation.portals.set_entity_type(portal, counted)
    (portal,) = installation.portals.named(["acme"])
    add(sandbox, "lead", "+79215550001")
    add(sandbox, "contact", "+79215550001")
    add(sandbox, "company", "+79215550001")
    own(installation, portal, "+79215550001")
    with installation.job(portal) as job:
        hits = search(job.client, ["+79215550001"], asked or counted)
        assert {kind for kind, _ in hits.objects} == (kinds or {"lead", "contact", "company"})
        assert match(job, asked).linked == 1


def test_what_is_not_counted_cannot_be_asked_for(installation: Installation, portal: Portal) -> None:
    """An entity type that the portal does not count is refused, as the next sync would undo its matches."""
    installation.portals.set_entity_type(portal, "deal")
    (portal,) = installation.portals.named(["acme"])
    with installation.job(portal) as job, pytest.raises(EntityTypeNotCounted, match="only deal is counted"):
        match(job, "lead")


def test_twenty_phones_a_command_and_fifty_commands_a_request(
    installation: Installation, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2,050 phones are three requests, chunk by chunk, each with its row in the sync log."""
    monkeypatch.setattr(matching, "PHONES_A_CHUNK", 1_000)
    execute(
        installation.warehouse,
        "insert into leads (user_account_id, phone) select %s, '+7921555' || lpad(n::text, 4, '0')"
        " from generate_series(1, 2050) as n",
        portal.id,
    )
    done = run(installation, portal)
    assert (done.requests, done.not_found) == (3, 2050)
    logged = installation.rows(
        "select entity_type, sync_status, rows_read, requests from bitrix24_sync_log"
        " where sync_type = 'match' order by id"
    )
    assert logged == [
        {"entity_type": "own_lead", "sync_status": "success", "rows_read": rows, "requests": 1}
        for rows in (1000, 1000, 50)
    ]


def test_a_portal_without_the_search_is_reported(
    installation: Installation, portal: Portal, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A portal without the search is an error, but the copy is matched, and no own lead counts as asked."""
    monkeypatch.setattr("b24_pipeline.sync.own_leads.portal_search.METHOD", "crm.duplicate.nothing")
    contact = add(sandbox, "contact", "+79215550001")
    installation.sync(portal)
    own(installation, portal, "+79215550001", "+79215550009")
    (done,) = match_portals(installation.connections, [portal], Options())
    assert isinstance(done.error, MethodNotFound)
    assert (done.matched, done.linked, done.not_found) == (1, 1, 1)
    assert found(installation) == [
        row("+79215550001", method="contact_phone", contact=contact),
        row("+79215550009", reason="not_found"),
    ]


def test_who_is_found_is_qualified_at_once(
    installation: Installation, portal: Portal, sandbox: Sandbox
) -> None:
    """An own lead that is matched gets the qualification of its lead without waiting for the next sync."""
    lead = add(sandbox, "lead", "+79215550001")
    execute(
        installation.warehouse,
        "insert into bitrix24_qualification (user_account_id, entity_type, entity_id, is_qualified,"
        " matched_field, first_qualified_at) values (%s, 'lead', %s, true, 'UF_CRM_1', now())",
        portal.id,
        lead,
    )
    own(installation, portal, "+79215550001")
    assert run(installation, portal).linked == 1
    assert installation.rows("select is_qualified from leads") == [{"is_qualified": True}]


def test_the_portal_is_searched_for_both_spellings_of_a_mobile_number(
    installation: Installation, portal: Portal, sandbox: Sandbox
) -> None:
    """The portal compares digits: Mexico's 1 is searched for with and without, at most twenty values a command."""
    lead = add(sandbox, "lead", "+52 1 55 4163 7146")
    own(installation, portal, "+525541637146", *(f"+52554163{number}" for number in range(7200, 7215)))
    assert run(installation, portal).matched == 1
    (matched,) = [one for one in found(installation) if one["lead"]]
    assert (matched["phone"], matched["lead"]) == ("+525541637146", lead)
