"""Rows that were deleted in the portal are found by the check that ends the next sync, whatever else has changed."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from random import Random
from typing import Any

import pytest

from b24_pipeline.bitrix.answers import BatchAnswer
from b24_pipeline.errors import AccessDenied
from b24_pipeline.sandbox import Fault, Sandbox, SandboxConfig
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.checks import existence, id_search
from b24_pipeline.sync.checks.stage_batch import StageBatch
from tests.integration.sync.checks.conftest import check, requests_of_last, unequal
from tests.support.expected.tables import assert_entities_equal
from tests.support.installation import Installation, worked

TABLES = {
    "lead": "bitrix24_leads",
    "deal": "bitrix24_deals",
    "contact": "bitrix24_contacts",
    "company": "bitrix24_companies",
}
COUNTS = 2
"""Requests of a check that finds a count that it did not expect: it asks for all counts once more."""


def url_of(installation: Installation) -> str:
    return installation.warehouse.url.for_people(hide_password=False)


def alive(installation: Installation, entity: str) -> set[int]:
    return {
        row["id"] for row in installation.rows(f"select id from {TABLES[entity]} where deleted_at is null")
    }


def there(sandbox: Sandbox, entity: str) -> set[int]:
    return {int(number) for number in sandbox.truth.entities(entity)["ID"]}


def delete_some(sandbox: Sandbox, entity: str, rows: int, seed: int = 1) -> None:
    """Deletes rows at random, the one with the highest id among them."""
    numbers = sorted(there(sandbox, entity))
    for number in [*Random(seed).sample(numbers[:-1], rows - 1), numbers[-1]]:
        sandbox.delete(entity, number)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A portal whose stages have many pages."""
    with Sandbox(SandboxConfig(leads=5000, deals=1500)) as made:
        yield made


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3))])
def test_next_sync_finds_all_deleted_leads_and_deals_among_other_changes(
    installation: Installation, sandbox: Sandbox, portal: Portal, seed: int
) -> None:
    """25 leads and 20 deals deleted among 355 other changes: the very next sync finds each, in few requests."""
    sandbox.change(355, seed=seed)
    delete_some(sandbox, "lead", 25, seed)
    delete_some(sandbox, "deal", 20, seed)
    worked(installation.sync(portal))
    for entity in ("lead", "deal"):
        assert alive(installation, entity) == there(sandbox, entity)
        assert_entities_equal(url_of(installation), sandbox, entity)
    assert not [
        row for row in unequal(installation).values() if not (row["is_repaired"] or row["is_explained"])
    ]
    # counts, later changes of each entity, the ids of 5,000 leads and 1,500 deals at most, and second looks at each: at
    # rows that stand elsewhere, and at rows that are gone
    assert requests_of_last(installation) <= COUNTS + 2 + 3 + 1 + 4


def test_next_sync_finds_many_deleted_rows(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """Just below the share that a person is asked about: their ids are read rather than searched by counting."""
    delete_some(sandbox, "lead", len(there(sandbox, "lead")) // 21)
    worked(installation.sync(portal))
    assert alive(installation, "lead") == there(sandbox, "lead")
    assert requests_of_last(installation) <= COUNTS + 3 + 1


@pytest.mark.parametrize("entity", ["contact", "company"])
def test_next_sync_finds_deleted_contacts_and_companies(
    installation: Installation, sandbox: Sandbox, portal: Portal, entity: str
) -> None:
    """They have no stages: all of them are counted in the same request."""
    assert requests_of_last(installation) == 1
    delete_some(sandbox, entity, 8)
    worked(installation.sync(portal))
    assert alive(installation, entity) == there(sandbox, entity)
    assert requests_of_last(installation) <= COUNTS + 2 + 1
    worked(installation.sync(portal))
    assert requests_of_last(installation) == 1


def test_few_deleted_rows_of_many_are_found_by_counting(
    installation: Installation, sandbox: Sandbox, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ranges that differ are cut and counted again, so that few rows are read."""
    monkeypatch.setattr(id_search, "PAGES_AT_ONCE", 4)
    read: list[int] = []
    compare = id_search.IdSearch._compare_ids

    def counted(search: Any, piece: Any) -> None:
        read.append(len(piece.rows))
        compare(search, piece)

    monkeypatch.setattr(id_search.IdSearch, "_compare_ids", counted)
    delete_some(sandbox, "lead", 2)
    worked(installation.sync(portal))
    assert alive(installation, "lead") == there(sandbox, "lead")
    assert sum(read) <= 2 * 150


def test_what_a_search_leaves_the_next_one_begins_with(
    installation: Installation, sandbox: Sandbox, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour of syncs gets through the contacts of any portal, wherever the deleted ones are."""
    monkeypatch.setattr(id_search, "PAGES_AT_ONCE", 4)  # as if the portal had twelve times as many
    monkeypatch.setattr(existence, "PAGES_AT_ONCE", 4)
    monkeypatch.setattr(existence, "LEAST_REQUESTS", 1)
    numbers = sorted(there(sandbox, "contact"))
    for number in numbers[::25]:
        sandbox.delete("contact", number)
    left = "select open_ranges from bitrix24_loads where entity_type = 'contact' and scope = 'existence'"
    found = [len(alive(installation, "contact"))]
    for _ in range(existence.CHECKS_AN_HOUR):
        worked(installation.sync(portal))
        found.append(len(alive(installation, "contact")))
        if installation.rows(left) == []:
            break
    assert alive(installation, "contact") == there(sandbox, "contact")
    assert found == sorted(found, reverse=True)
    assert len(found) > 2


@pytest.mark.parametrize("distorted", ["refused", "no total", "total of nothing"])
def test_count_that_cannot_be_believed_keeps_nothing_else_from_being_found(
    installation: Installation,
    sandbox: Sandbox,
    portal: Portal,
    monkeypatch: pytest.MonkeyPatch,
    distorted: str,
) -> None:
    """One entity that cannot be counted is left out and said in the log: no contact is asked for, nobody is asked."""
    send = StageBatch._send

    def answered(batch: StageBatch, *asked: Any) -> BatchAnswer:
        answer = send(batch, *asked)
        if distorted == "refused":
            del answer.results["all_contact"]
            answer.errors["all_contact"] = AccessDenied("acme", "crm.contact.list", "ACCESS_DENIED", "", 200)
        answer.totals.pop("all_contact", None)
        if distorted == "total of nothing":
            answer.totals["all_contact"] = 0
        return answer

    monkeypatch.setattr(StageBatch, "_send", answered)
    delete_some(sandbox, "company", 3)
    delete_some(sandbox, "contact", 3)
    worked(installation.sync(portal))
    assert alive(installation, "company") == there(sandbox, "company")
    assert len(alive(installation, "contact") - there(sandbox, "contact")) >= 3
    check(installation, portal)
    assert requests_of_last(installation) == (1 if distorted == "refused" else COUNTS)


def test_search_that_fails_for_one_entity_stops_no_other(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """Deals that cannot be fetched by id leave their difference; the leads are repaired, and the check says so."""
    delete_some(sandbox, "lead", 5)
    delete_some(sandbox, "deal", 5)
    sandbox.faults.add(
        Fault("command_error", "crm.lead.list", error="ACCESS_DENIED", description="Access denied")
    )
    worked({name: one for name, one in installation.sync(portal).items() if name == "deal"})
    assert alive(installation, "deal") == there(sandbox, "deal")
    sandbox.faults.clear()
    worked(installation.sync(portal))
    assert alive(installation, "lead") == there(sandbox, "lead")


def test_rights_lost_to_contacts_ask_a_person_at_no_cost(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """The count alone shows it: no contact is asked for, and none is marked."""
    before = alive(installation, "contact")
    numbers = sorted(before)
    for number in numbers[: ceil(len(numbers) * 0.06)]:
        sandbox.delete("contact", number)
    (asked,) = check(installation, portal)
    assert asked.entity == "contact"
    assert "--accept-deletions" in str(asked.question)
    assert requests_of_last(installation) == COUNTS
    assert alive(installation, "contact") == before
    check(installation, portal, accept_deletions=True)
    assert alive(installation, "contact") == there(sandbox, "contact")
