"""Smart processes come and go, and their switches: nothing that was stored is lost by it."""

from __future__ import annotations

import pytest

from b24_pipeline.errors import ServerFault
from b24_pipeline.sandbox import Fault, Sandbox, SandboxConfig
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.portals.entity_listing import list_entities
from tests.integration.sync.crm.items.conftest import choose, smart_names
from tests.integration.sync.crm.items.test_items import assert_all_equal
from tests.support.expected.items import sandbox_name
from tests.support.installation import Installation, worked


def listed(
    installation: Installation, portal: Portal, add: tuple[str, ...] = ()
) -> dict[str, tuple[bool, int, bool]]:
    """By entity: whether it is chosen, how many rows the portal has, and whether it is gone."""
    with installation.job(portal) as job:
        return {
            one.known.entity_type: (one.known.is_chosen, one.in_portal or 0, one.known.deleted_at is not None)
            for one in list_entities(job, add)
        }


def test_all_that_can_be_chosen_is_listed_with_its_rows(installation: Installation, sandbox: Sandbox) -> None:
    """Two requests tell it; what is chosen is read by the next sync, and by no other name."""
    portal = installation.add(sandbox)
    names = ["invoice", "quote", *smart_names(sandbox)]
    before = len(sandbox.requests)
    found = listed(installation, portal)
    assert len(sandbox.requests) == before + 2
    assert found == {name: (False, len(sandbox.truth.entities(sandbox_name(name))), False) for name in names}
    assert listed(installation, portal, ("invoice",))["invoice"][0]
    outcomes = worked(installation.sync(portal, entities=("invoice",)))
    assert set(outcomes) == {"invoice", "invoice_history"}
    worked(installation.sync(portal, entities=("pipelines",)))
    assert_all_equal(installation, sandbox, ["invoice"])
    refused = installation.sync(portal, entities=("quote",))
    assert "b24 portal entities acme --add quote" in str(refused["quote"].error)


def test_nothing_is_chosen_after_a_passing_fault(installation: Installation, sandbox: Sandbox) -> None:
    """What came is told as it is; the same works a moment later."""
    portal = installation.add(sandbox)
    sandbox.faults.add(Fault("command_error", method="crm.item.list", error="INTERNAL_SERVER_ERROR"))
    with pytest.raises(ServerFault):
        listed(installation, portal, ("invoice",))
    sandbox.faults.clear()
    assert installation.rows("select entity_type from bitrix24_chosen_entities") == []
    assert listed(installation, portal, ("invoice",))["invoice"][0]


def test_what_is_shown_without_a_total_can_be_chosen(installation: Installation, sandbox: Sandbox) -> None:
    """A sync reads it page by page: that its rows are not counted is no refusal."""
    portal = installation.add(sandbox)
    sandbox.set_quirks(no_total=("crm.item.list",))
    assert listed(installation, portal, ("invoice",))["invoice"] == (True, 0, False)


def test_the_cost_of_a_first_read_is_foretold(installation: Installation, sandbox: Sandbox) -> None:
    """So many pages of rows and moves the portal sends then, and a few to look where the lists begin and end."""
    portal = installation.add(sandbox)
    names = ["invoice", *smart_names(sandbox)]
    worked(installation.sync(portal))
    with installation.job(portal) as job:
        costs = {one.known.entity_type: one.cost for one in list_entities(job, names)}
    for name in names:
        cost = costs[name]
        assert cost is not None
        assert cost.operating_seconds is not None
        before = len(sandbox.requests)
        worked(installation.sync(portal, entities=(name,)))
        lists = {"crm.item.list", "crm.stagehistory.list"}
        seen = [request for request in sandbox.requests[before:] if lists & {*request.methods}]
        pages = sum(one in lists for request in seen for one in request.methods)
        assert cost.requests <= len(seen) <= cost.requests + 3
        assert cost.commands <= pages <= cost.commands + 6


def test_types_are_known_where_only_their_names_are_told(installation: Installation) -> None:
    """`crm.type.list` is for administrators of the CRM; everybody is told the numbers and names."""
    with Sandbox(SandboxConfig(leads=5, deals=5, smart_types=2, smart_items=20, admin=False)) as sandbox:
        portal = installation.add(sandbox)
        assert {*smart_names(sandbox), "invoice", "quote"} >= {*listed(installation, portal)}
        known = installation.rows("select id, title from bitrix24_smart_types order by entity_type_id")
        types = sandbox.truth.types()
        assert known == [
            {"id": None, "title": title} for title in types.sort_values("entity_type_id")["title"]
        ]
        choose(installation, portal, *smart_names(sandbox))
        worked(installation.sync(portal))
        assert_all_equal(installation, sandbox, smart_names(sandbox))


def test_type_that_is_removed_keeps_its_rows_marked(installation: Installation, sandbox: Sandbox) -> None:
    """Its items are gone with it, their history stays, and the others are read as before."""
    portal = installation.add(sandbox)
    first, *others = smart_names(sandbox)
    choose(installation, portal, first, *others)
    worked(installation.sync(portal))
    moves = installation.rows(
        "select count(*) as n from bitrix24_status_history where entity_type = %s", first
    )
    rows = installation.rows("select count(*) as n from bitrix24_items where entity_type = %s", first)
    sandbox.delete_type(int(first.removeprefix("item_")))
    sandbox.change(50, seed=9)
    for _ in range(2):
        outcomes = worked(installation.sync(portal))
        assert first not in outcomes
        assert_all_equal(installation, sandbox, others)
    alive = "select count(*) filter (where deleted_at is null) as alive, count(*) as n from bitrix24_items"
    assert installation.rows(f"{alive} where entity_type = %s", first) == [{"alive": 0, "n": rows[0]["n"]}]
    assert moves == installation.rows(
        "select count(*) as n from bitrix24_status_history where entity_type = %s", first
    )
    assert listed(installation, portal)[first] == (True, 0, True)


def test_new_type_is_announced_and_not_read(installation: Installation, sandbox: Sandbox) -> None:
    """A person chooses it; from then on it is read."""
    portal = installation.add(sandbox)
    choose(installation, portal, "invoice")
    worked(installation.sync(portal))
    made = sandbox.add_type("Закупки", funnels=2)
    name = f"item_{made['entity_type_id']}"
    sandbox.add(sandbox_name(name), {"title": "first"})
    assert name not in worked(installation.sync(portal))
    assert listed(installation, portal)[name] == (False, 1, False)
    choose(installation, portal, name)
    worked(installation.sync(portal))
    assert_all_equal(installation, sandbox, [name])


@pytest.mark.parametrize("switch", ["isClientEnabled", "isStagesEnabled", "isLinkWithProductsEnabled"])
def test_switch_may_be_turned_off_and_on(installation: Installation, sandbox: Sandbox, switch: str) -> None:
    """Whole reads before, between and after have what the portal shows."""
    portal = installation.add(sandbox)
    name = smart_names(sandbox)[0]
    choose(installation, portal, name)
    worked(installation.sync(portal))
    for on in (False, True):
        sandbox.switch_type(int(name.removeprefix("item_")), switch, on=on)
        worked(installation.sync(portal))
        sandbox.change(60, seed=4 + on)
        worked(installation.sync(portal, full=True))
        assert_all_equal(installation, sandbox, [name])


def test_twenty_chosen_types_cost_few_requests(installation: Installation) -> None:
    """An idle portal is asked for the heads of all of them in as few requests as their commands need."""
    config = SandboxConfig(leads=10, deals=10, smart_types=18, smart_items=180, invoices=10, quotes=10)
    with Sandbox(config) as sandbox:
        portal = installation.add(sandbox)
        names = ["invoice", "quote", *smart_names(sandbox)]
        choose(installation, portal, *names)
        worked(installation.sync(portal))
        sandbox.reset_stats()
        outcomes = worked(installation.sync(portal))
        assert sum(outcome.rows_changed for outcome in outcomes.values()) == 0
        commands = sandbox.stats.commands
        assert sandbox.stats.requests <= -(-commands // 50) + 1, sandbox.stats


def test_nothing_changes_where_nothing_changed(installation: Installation, sandbox: Sandbox) -> None:
    """A second sync of chosen entities costs as many requests as one without any: all heads are in the same one."""
    portal = installation.add(sandbox)
    worked(installation.sync(portal))
    sandbox.reset_stats()
    worked(installation.sync(portal))
    plain = sandbox.stats.requests
    choose(installation, portal, "invoice", "quote", *smart_names(sandbox)[:1])
    worked(installation.sync(portal))
    sandbox.reset_stats()
    outcomes = worked(installation.sync(portal))
    assert sandbox.stats.requests == plain, sandbox.stats
    assert sum(outcome.rows_changed for outcome in outcomes.values()) == 0
