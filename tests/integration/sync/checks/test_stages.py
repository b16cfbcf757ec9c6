"""After each sync our figures are laid beside the live portal's, stage by stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest

from b24_pipeline.bitrix.client import BitrixClient
from b24_pipeline.sandbox import Fault, Sandbox, SandboxConfig
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.checks import stage_batch, stage_search
from b24_pipeline.sync.checks.stages import check_agreement
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.outcome import Outcome
from b24_pipeline.sync.run import reconcile_portals
from tests.support.installation import Installation, execute, worked

Key = tuple[str, int, str]
Stages = dict[Key, dict[str, Any]]
STAGE_FIELDS = {"lead": "STATUS_ID", "deal": "STAGE_ID"}


@pytest.fixture
def portal(installation: Installation, sandbox: Sandbox) -> Portal:
    """A portal that was just synced."""
    connected = installation.add(sandbox)
    worked(installation.sync(connected))
    return connected


@pytest.fixture
def larger() -> Iterator[Sandbox]:
    """A portal with stages of many pages."""
    with Sandbox(SandboxConfig(leads=1200, deals=0, contacts=0, companies=0)) as made:
        yield made


@pytest.fixture
def large(installation: Installation, larger: Sandbox) -> Portal:
    """The same, synced."""
    connected = installation.add(larger)
    worked(installation.sync(connected))
    return connected


def check(installation: Installation, portal: Portal, **options: Any) -> list[Outcome]:
    """A check without a sync before it."""
    whole = options.pop("whole", False)
    with installation.job(portal, **options) as job:
        return check_agreement(job, whole=whole)


def last(installation: Installation) -> Stages:
    """The last check, by stage."""
    rows = installation.rows(
        "select * from reconciliation where checked_at = (select max(checked_at) from reconciliation)"
    )
    return {(row["entity_type"], row["category_id"], row["status_id"]): row for row in rows}


def unequal(installation: Installation) -> Stages:
    return {key: row for key, row in last(installation).items() if not row["is_equal"]}


def requests_of_last(installation: Installation) -> int:
    (row,) = installation.rows(
        "select requests, sync_status, error_message from bitrix24_sync_log "
        "where entity_type = 'agreement' order by id desc limit 1"
    )
    assert row["sync_status"] == "success", row["error_message"]
    return int(row["requests"])


def there(sandbox: Sandbox) -> dict[Key, dict[int, tuple[Decimal, str]]]:
    """By stage, everybody in it with the amount: what the portal really has."""
    found: dict[Key, dict[int, tuple[Decimal, str]]] = {}
    for entity, field in STAGE_FIELDS.items():
        for row in sandbox.truth.raw(entity):
            if row.get("IS_RECURRING") != "Y":
                key = (entity, int(row.get("CATEGORY_ID") or 0), row[field])
                amount = Decimal(row["OPPORTUNITY"] or 0), row["CURRENCY_ID"] or ""
                found.setdefault(key, {})[int(row["ID"])] = amount
    return found


def sums(rows: Mapping[int, tuple[Decimal, str]]) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = {}
    for amount, currency in rows.values():
        totals[currency] = totals.get(currency, Decimal()) + amount
    return totals


def decimals(amounts: Mapping[str, str] | None) -> dict[str, Decimal]:
    assert amounts is not None
    return {currency: Decimal(text) for currency, text in amounts.items()}


def some_deal(sandbox: Sandbox) -> tuple[int, Key]:
    """A deal of a stage that has more."""
    key, rows = next((k, r) for k, r in there(sandbox).items() if k[0] == "deal" and len(r) > 2)
    return sorted(rows)[1], key


def write_unseen(sandbox: Sandbox, entity: str, number: int, values: Mapping[str, Any]) -> None:
    """A change in the portal that leaves DATE_MODIFY as it was, and is announced to nobody."""
    with sandbox.portal.lock:
        table = sandbox.portal.entities[entity].table
        row = table.row_of(number)
        assert row is not None
        table.write(row, values)


def test_sync_ends_with_the_figures_of_both_sides(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """Each stage with its count and its sums by currency, which are the portal's own; one request."""
    expected = there(sandbox)
    found = last(installation)
    assert {key: row["portal_count"] for key, row in found.items() if row["portal_count"]} == {
        key: len(rows) for key, rows in expected.items()
    }
    for key, row in found.items():
        rows = expected.get(key, {})
        assert row["our_count"] == row["portal_count"] == row["rows_compared"] == len(rows)
        assert decimals(row["portal_amounts"]) == decimals(row["our_amounts"]) == sums(rows)
        assert (row["is_equal"], row["is_explained"], row["explanation"]) == (True, True, None)
    assert len({row["checked_at"] for row in found.values()}) == 1
    assert {key for key, row in found.items() if not row["portal_count"]}  # empty stages too
    assert requests_of_last(installation) == 1


def test_lost_row_is_named_and_fetched(installation: Installation, sandbox: Sandbox, portal: Portal) -> None:
    """The next check finds nothing any more."""
    number, key = some_deal(sandbox)
    execute(installation.warehouse, "delete from bitrix24_deals where id = %s", number)
    (repaired,) = [one for one in check(installation, portal) if one.entity == "deal"]
    assert (repaired.missing, repaired.outdated, repaired.rows_changed) == (1, 0, 1)
    (row,) = unequal(installation).values()
    assert (row["entity_type"], row["category_id"], row["status_id"]) == key
    assert (row["missing_ids"], row["portal_count"] - row["our_count"]) == ([number], 1)
    assert (row["is_explained"], row["is_repaired"]) == (False, True)
    assert row["explanation"] == (
        f"1 not in our copy of this stage: ids {number}; repaired right after the check"
    )
    assert check(installation, portal) == []
    assert unequal(installation) == {}


def test_row_deleted_in_the_portal_is_named_and_buried(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """No event told, and no watermark shows it."""
    number, _ = some_deal(sandbox)
    sandbox.delete("deal", number)
    check(installation, portal)
    (row,) = unequal(installation).values()
    assert (row["surplus_ids"], row["is_repaired"]) == ([number], True)
    assert row["explanation"].startswith(f"1 deleted in the portal: ids {number};")
    assert installation.rows("select deleted_at from bitrix24_deals where id = %s", number)[0]["deleted_at"]
    check(installation, portal)
    assert unequal(installation) == {}


def test_row_that_only_we_have_is_buried(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """It counts here and the portal never had it."""
    _, (_, category, stage) = some_deal(sandbox)
    execute(
        installation.warehouse,
        "insert into bitrix24_deals (user_account_id, id, category_id, stage_id) "
        "select id, 987654, %s, %s from user_accounts",
        category,
        stage,
    )
    check(installation, portal)
    (row,) = unequal(installation).values()
    assert (row["surplus_ids"], row["our_count"] - row["portal_count"]) == ([987654], 1)
    check(installation, portal)
    assert unequal(installation) == {}


def test_move_that_left_no_trace_shows_in_both_stages(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """DATE_MODIFY is as it was, so that no sync and no comparison of times would find it."""
    number, key = some_deal(sandbox)
    other = next(k for k in there(sandbox) if k[:2] == key[:2] and k != key)
    write_unseen(sandbox, "deal", number, {"STAGE_ID": other[2]})
    worked(installation.sync(portal))
    found = unequal(installation)
    assert {k: (row["missing_ids"], row["surplus_ids"]) for k, row in found.items()} == {
        key: ([], [number]),
        other: ([number], []),
    }
    assert "not in this stage in the portal any more" in found[key]["explanation"]
    assert installation.rows("select stage_id from bitrix24_deals where id = %s", number) == [
        {"stage_id": other[2]}
    ]


@pytest.mark.parametrize("entity", ["lead", "deal"])
@pytest.mark.parametrize(
    "change", ["opportunity = opportunity + 1", "currency_id = 'XTS'", "opportunity = null"]
)
def test_wrong_amount_is_named_and_repaired(
    installation: Installation, sandbox: Sandbox, portal: Portal, entity: str, change: str
) -> None:
    """Counts agree; the sums do not."""
    key, rows = next((k, r) for k, r in there(sandbox).items() if k[0] == entity)
    number = max(rows)
    write_unseen(sandbox, entity, number, {"OPPORTUNITY": "1250.5", "CURRENCY_ID": "EUR"})
    worked(installation.sync(portal, full=True))
    execute(installation.warehouse, f"update bitrix24_{entity}s set {change} where id = %s", number)
    check(installation, portal)
    row = unequal(installation)[key]
    assert (row["differing_ids"], row["missing_ids"], row["surplus_ids"]) == ([number], [], [])
    assert row["portal_amounts"] != row["our_amounts"]
    assert row["explanation"].startswith("1 of another amount or currency: ids ")
    check(installation, portal)
    assert unequal(installation) == {}
    assert decimals(last(installation)[key]["our_amounts"])["EUR"] >= Decimal("1250.5")


def test_changes_made_since_the_sync_are_no_differences(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """A moved, a new and an edited one: counts and sums differ, and it is said why."""
    number, key = some_deal(sandbox)
    other = next(k for k in there(sandbox) if k[:2] == key[:2] and k != key)
    sandbox.move("deal", number, other[2])
    new = sandbox.add("lead", {"TITLE": "New", "STATUS_ID": "NEW", "OPPORTUNITY": "7"})
    edited = next(iter(there(sandbox)["lead", 0, "IN_PROCESS"]))
    sandbox.update("lead", edited, {"OPPORTUNITY": "123456"})
    check(installation, portal)
    found = unequal(installation)
    assert set(found) == {key, other, ("lead", 0, "NEW"), ("lead", 0, "IN_PROCESS")}
    for row in found.values():
        assert (row["is_explained"], row["is_repaired"]) == (True, False)
        assert row["missing_ids"] == row["surplus_ids"] == row["differing_ids"] == []
        assert row["explanation"].startswith("1 changed in the portal since the sync: ids ")
    assert str(new) in found["lead", 0, "NEW"]["explanation"]


def test_change_while_the_portal_is_asked_is_no_difference(
    installation: Installation, larger: Sandbox, large: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two of its requests one is moved, one is made and one is deleted."""
    key, rows = max(there(larger).items(), key=lambda pair: len(pair[1]))
    numbers, done = sorted(rows), list[int]()
    batch = BitrixClient.batch

    def meddled(client: BitrixClient, commands: Any, **options: Any) -> Any:
        answer = batch(client, commands, **options)
        if not done:
            larger.move("lead", numbers[3], "NEW" if key[2] != "NEW" else "IN_PROCESS")
            done.append(larger.add("lead", {"TITLE": "Made", "STATUS_ID": key[2]}))
            larger.delete("lead", numbers[-1])
        return answer

    monkeypatch.setattr(stage_batch, "LEAST_PAGES", 50)
    monkeypatch.setattr(BitrixClient, "batch", meddled)
    check(installation, large)
    assert done
    for row in last(installation).values():
        assert row["missing_ids"] == row["differing_ids"] == []
        assert set(row["surplus_ids"]) <= {numbers[-1]}  # it is really gone
        assert row["is_explained"] or row["is_repaired"]
    monkeypatch.setattr(BitrixClient, "batch", batch)
    worked(installation.sync(large))
    assert unequal(installation) == {}


def test_templates_of_recurring_deals_count_on_neither_side(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """As in the funnel."""
    number, key = some_deal(sandbox)
    before = last(installation)[key]["portal_count"]
    write_unseen(sandbox, "deal", number, {"IS_RECURRING": "Y"})
    worked(installation.sync(portal, full=True))
    assert unequal(installation) == {}
    row = last(installation)[key]
    assert (row["portal_count"], row["our_count"]) == (before - 1, before - 1)


def test_more_stages_than_a_batch_holds(installation: Installation, sandbox: Sandbox, portal: Portal) -> None:
    """Fifty a request."""
    for number in range(60):
        sandbox.add_stage("deal", f"UC_{number}", f"Stage {number}", sort=600 + number)
    lone, _ = some_deal(sandbox)
    write_unseen(sandbox, "deal", lone, {"STAGE_ID": "UC_59", "CATEGORY_ID": 0})
    worked(installation.sync(portal, full=True))
    found = last(installation)
    assert len(found) > 60 and unequal(installation) == {}
    assert found["deal", 0, "UC_59"]["portal_count"] == 1
    assert requests_of_last(installation) == 2
    execute(installation.warehouse, "delete from bitrix24_deals where id = %s", lone)
    check(installation, portal)
    assert [row["missing_ids"] for row in unequal(installation).values()] == [[lone]]


def test_stage_that_no_directory_has_told_of(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """Who stands in one that we have never heard of is found all the same."""
    number, key = some_deal(sandbox)
    sandbox.add_stage("deal", "UC_UNHEARD", "Unheard")
    write_unseen(sandbox, "deal", number, {"STAGE_ID": "UC_UNHEARD", "CATEGORY_ID": 0})
    check(installation, portal)
    found = unequal(installation)
    assert found["deal", 0, "UC_UNHEARD"]["missing_ids"] == [number]
    assert found[key]["surplus_ids"] == [number]
    check(installation, portal)
    assert unequal(installation) == {}


def test_large_stages_are_compared_by_turns(
    installation: Installation, larger: Sandbox, large: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts alone do not show a wrong amount; some rows a check do, and none is left out in the end."""
    monkeypatch.setattr(stage_batch, "ROW_PAGES", 4)
    wrong = [max(rows) for rows in there(larger).values() if len(rows) > 100]
    assert len(wrong) > 1
    execute(
        installation.warehouse,
        "update bitrix24_leads set opportunity = coalesce(opportunity, 0) + 1 where id = any(%s)",
        wrong,
    )
    named: list[int] = []
    for _ in range(40):
        check(installation, large)
        rows = last(installation).values()
        assert requests_of_last(installation) <= 4
        assert sum(row["rows_compared"] for row in rows) <= 50 * (len(rows) + 4)
        assert {row["portal_amounts"] is None for row in rows} == {True, False}
        named += [number for row in rows for number in row["differing_ids"]]
        if len(named) == len(wrong):
            break
    assert sorted(named) == sorted(wrong)
    check(installation, large, whole=True)
    assert unequal(installation) == {}


def test_large_stage_that_fits_is_summed_when_its_turn_comes(
    installation: Installation, larger: Sandbox, large: Portal
) -> None:
    """The longest unread first; a whole comparison sums every stage at once."""
    expected = {key: rows for key, rows in there(larger).items() if len(rows) > 50}
    summed: set[Key] = set()
    for _ in range(3):
        check(installation, large)
        found = {key: row for key, row in last(installation).items() if row["portal_amounts"] is not None}
        for key, row in found.items():
            assert decimals(row["portal_amounts"]) == sums(there(larger).get(key, {}))
        summed |= found.keys() & expected.keys()
    assert summed == expected.keys()
    check(installation, large, whole=True)
    for key, row in last(installation).items():
        assert (
            decimals(row["portal_amounts"])
            == decimals(row["our_amounts"])
            == sums(there(larger).get(key, {}))
        )
        assert row["rows_compared"] == row["portal_count"]


def test_counts_lead_to_the_ids_of_a_large_stage(
    installation: Installation, larger: Sandbox, large: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parted by our ids, until few enough are left to be read; the first, one inside, and the last."""
    monkeypatch.setattr(stage_batch, "ROW_PAGES", 0)
    monkeypatch.setattr(stage_search, "MOST_READ", 100)
    monkeypatch.setattr(stage_search, "PARTS", 4)
    key, rows = max(there(larger).items(), key=lambda pair: len(pair[1]))
    numbers = sorted(rows)
    lost = [numbers[len(numbers) // 2], numbers[-1]]
    execute(installation.warehouse, "delete from bitrix24_leads where id = any(%s)", lost)
    larger.delete("lead", numbers[60])
    check(installation, large)
    row = unequal(installation)[key]
    assert (row["missing_ids"], row["surplus_ids"]) == (lost, [numbers[60]])
    assert (row["is_repaired"], row["portal_amounts"]) == (True, None)
    assert requests_of_last(installation) <= 10
    check(installation, large)
    assert unequal(installation) == {}


def test_difference_that_would_cost_too_much_is_told_as_such(
    installation: Installation, larger: Sandbox, large: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not called repaired, and it is said what repairs it."""
    monkeypatch.setattr(stage_batch, "ROW_PAGES", 0)
    monkeypatch.setattr(stage_search, "MOST_READ", 10)
    monkeypatch.setattr(stage_search, "PARTS", 4)
    key, rows = max(there(larger).items(), key=lambda pair: len(pair[1]))
    lost = sorted(rows)[60::20]
    execute(installation.warehouse, "delete from bitrix24_leads where id = any(%s)", lost)
    check(installation, large)
    row = unequal(installation)[key]
    assert (row["is_explained"], row["is_repaired"]) == (False, False)
    assert f"{len(lost) - len(row['missing_ids'])} more there were not found by id" in row["explanation"]
    assert "`b24 reconcile acme --whole`" in row["explanation"]
    outcomes = reconcile_portals(installation.connections, [large], Options(), whole=True)
    assert all(one.worked for one in outcomes)
    assert unequal(installation) == {}
    assert all(row["portal_amounts"] is not None for row in last(installation).values())


def test_many_gone_at_once_are_left_to_a_person(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """Lost rights look like that; nothing is buried, and the sync has worked all the same."""
    numbers = sorted(n for key, rows in there(sandbox).items() if key[0] == "deal" for n in rows)[:25]
    for number in numbers:
        sandbox.delete("deal", number)
    worked(installation.sync(portal))
    found = unequal(installation)
    assert sorted(n for row in found.values() for n in row["surplus_ids"]) == numbers
    assert not any(row["is_explained"] or row["is_repaired"] for row in found.values())
    assert (
        installation.rows("select count(*) as n from bitrix24_deals where deleted_at is null")[0]["n"] == 60
    )


def test_portal_that_refuses_the_check_spoils_nothing(
    installation: Installation, sandbox: Sandbox, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sync has worked; the sync log says that the check has not."""
    ask = stage_batch.StageBatch.ask

    def refused(question: Any, stages: Any) -> Any:
        fault = Fault("command_error", "crm.deal.list", error="ACCESS_DENIED", description="Access denied")
        sandbox.faults.add(fault)
        return ask(question, stages)

    before = len(installation.rows("select id from reconciliation"))
    monkeypatch.setattr(stage_batch.StageBatch, "ask", refused)
    worked(installation.sync(portal))
    (row,) = installation.rows(
        "select sync_status, error_code from bitrix24_sync_log order by id desc limit 1"
    )
    assert row == {"sync_status": "failed", "error_code": "AccessDenied"}
    assert len(installation.rows("select id from reconciliation")) == before


def test_portal_that_ignores_a_filter_is_not_believed(
    installation: Installation, sandbox: Sandbox, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of other stages are no figures of this one: the check fails instead of repairing."""
    number, _ = some_deal(sandbox)
    sandbox.faults.add(Fault("mutate", "crm.deal.list", ids=(number,), field="STAGE_ID", value="UC_OTHER"))
    assert check(installation, portal) == []
    (row,) = installation.rows(
        "select error_code from bitrix24_sync_log where entity_type = 'agreement' order by id desc limit 1"
    )
    assert row["error_code"] == "UnreadableAnswer"


@pytest.mark.parametrize("asked", [{"entities": ("deal",)}, {"entities": ("pipelines", "user")}])
def test_only_a_sync_of_everything_is_followed_by_a_check(
    installation: Installation, portal: Portal, asked: Mapping[str, Any]
) -> None:
    """What was left out may well be behind."""
    before = installation.rows("select count(*) as n from reconciliation")
    worked(installation.sync(portal, **asked))
    assert installation.rows("select count(*) as n from reconciliation") == before


def test_sync_that_failed_is_not_followed_by_a_check(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """The differences would be its own."""
    before = installation.rows("select count(*) as n from reconciliation")
    sandbox.faults.add(
        Fault("command_error", "crm.lead.list", error="ACCESS_DENIED", description="Access denied")
    )
    assert any(one.error for one in installation.sync(portal).values())
    assert installation.rows("select count(*) as n from reconciliation") == before


def test_checks_of_long_ago_are_forgotten(installation: Installation, portal: Portal) -> None:
    """Thirty days are kept."""
    execute(installation.warehouse, "update reconciliation set checked_at = checked_at - interval '31 days'")
    check(installation, portal)
    (row,) = installation.rows(
        "select min(checked_at) > now() - interval '1 day' as fresh from reconciliation"
    )
    assert row["fresh"]


def test_fields_that_are_not_kept_are_not_compared(installation: Installation, sandbox: Sandbox) -> None:
    """Without amounts only counts and places are; without stages nothing is."""
    portal = installation.add(sandbox)
    kept = {"lead": ["STATUS_ID"], "deal": ["TITLE"]}
    worked(installation.sync(portal, options=Options(select=kept)))
    found = last(installation)
    assert {key[0] for key in found} == {"lead"}
    assert all(row["is_equal"] and row["portal_amounts"] is None for row in found.values())
    assert sum(row["rows_compared"] for row in found.values()) == 60
