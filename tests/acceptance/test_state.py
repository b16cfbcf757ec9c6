"""`b24 status`, `b24 doctor` and `b24 reconcile` as a user runs them."""

from __future__ import annotations

import json

from b24_pipeline.sandbox import Sandbox
from tests.acceptance.conftest import B24
from tests.support.installation import raw


def test_state_is_told_and_what_is_missing_repaired(
    b24_here: B24, sandbox: Sandbox, database_url: str
) -> None:
    """From a portal that was never synced to one that was compared, with a loss in between."""
    assert b24_here("status").stderr.endswith(
        "no portal is connected; connect one with: b24 portal add NAME\n"
    )
    b24_here("portal", "add", "acme", "--webhook-url", sandbox.webhook_url)
    before = json.loads(b24_here("status", "--json").stdout)["portals"][0]
    assert (before["lag_seconds"], before["not_synced"]) == (None, ["lead", "deal", "contact", "company"])
    assert b24_here("doctor").returncode == 1
    assert b24_here("sync", "acme", "--entity", "pipelines").returncode == 0
    asked = b24_here("doctor")
    assert "no lead or deal of it was ever read" in asked.stdout
    assert b24_here("sync", "acme").returncode == 0
    assert b24_here("doctor").stdout == "all is well\n"

    assert ", with all that was read\n" in b24_here("status").stdout

    with raw(database_url) as connection:
        connection.execute("delete from bitrix24_deals where id in (select min(id) from bitrix24_deals)")
    assert "is not in them yet; " in b24_here("status").stdout
    assert json.loads(b24_here("status", "--json").stdout)["figures"]["waiting_since"]
    b24_here("models")
    assert json.loads(b24_here("status", "--json").stdout)["figures"]["waiting_since"] is None
    result = b24_here("reconcile", "acme")
    assert result.returncode == 0, result.stderr
    deals = next(line.split() for line in result.stdout.splitlines() if line.split()[1:3] == ["deal", "1"])
    assert deals[2:5] == ["1", "0", "0"]

    shown = b24_here("status").stdout
    assert "never synced" not in shown and "not synced" not in shown
    assert "none, polled" in shown
    after = json.loads(b24_here("status", "--json").stdout)["portals"][0]
    assert {proof["proved_by"] for proof in after["coverage"]} == {"reconcile"}

    with raw(database_url) as connection:
        connection.execute("update bitrix24_coverage set proved_at = now() - interval '5 days'")
        connection.execute(
            "insert into bitrix24_webhook_events (member_id, user_account_id, event, next_try_at) "
            "select 'm', id, 'ONCRMDEALUPDATE', now() - interval '1 hour' from user_accounts"
        )
    assert "events that came and are not read yet: 1; `b24 drain`" in b24_here("status").stdout
    doctor = b24_here("doctor", "--json")
    told = [finding["problem"] for finding in json.loads(doctor.stdout)["findings"]]
    assert doctor.returncode == 1
    assert sum("5 days ago" in problem for problem in told) == 4
    assert any("1 events wait to be drained" in problem for problem in told)


def test_doctor_names_stages_that_differ_from_the_portal(
    b24_here: B24, sandbox: Sandbox, database_url: str
) -> None:
    """Many deals gone at once are left to a person; when she says that they are deleted, all is well."""
    b24_here("portal", "add", "acme", "--webhook-url", sandbox.webhook_url)
    assert b24_here("sync", "acme").returncode == 0
    assert "agree" in b24_here("status").stdout
    deals = sorted(int(row["ID"]) for row in sandbox.truth.raw("deal") if row["IS_RECURRING"] != "Y")
    for number in deals[:30]:
        sandbox.delete("deal", number)

    synced = b24_here("sync", "acme")
    assert synced.returncode == 1, "a job that trusts the exit code has to notice"
    (asked,) = [line for line in synced.stderr.splitlines() if line.startswith("b24: ")]
    assert "acme" in asked and "30 of" in asked and "--accept-deletions" in asked
    doctor = b24_here("doctor", "--json")
    assert doctor.returncode == 1
    (finding,) = json.loads(doctor.stdout)["findings"]
    assert "stages differed from the portal and could not be repaired" in finding["problem"]
    assert "b24 reconcile acme --whole" in finding["advice"]
    state = json.loads(b24_here("status", "--json").stdout)["portals"][0]
    assert 0 < state["stages_wrong"] == state["stages_differing"] < state["stages_checked"]
    assert f"{state['stages_wrong']} of {state['stages_checked']} differ" in b24_here("status").stdout
    with raw(database_url) as connection:
        told = connection.execute(
            "select sum(cardinality(surplus_ids)), string_agg(distinct portal, ''), "
            "bool_and(category_name <> '' and status_name <> '') "
            "from analytics.reconciliation where not is_equal"
        ).fetchone()
    assert told == (30, "acme", True)

    repaired = b24_here("reconcile", "acme", "--whole", "--accept-deletions")
    assert repaired.returncode == 0, repaired.stderr
    assert b24_here("doctor").stdout == "all is well\n"


def test_a_renewed_credential_changes_nothing_else(b24_here: B24, sandbox: Sandbox) -> None:
    """What a portal counts and its plan stay, unless they are given again; also after it was removed."""

    def kept() -> list[str]:
        return b24_here("portal", "list").stdout.splitlines()[1].split()[3:5]

    add = ("portal", "add", "acme", "--webhook-url", sandbox.webhook_url)
    b24_here(*add, "--entity-type", "deal", "--plan", "enterprise")
    for between in ((), ("portal", "remove", "acme")):
        if between:
            assert b24_here(*between).returncode == 0
        assert b24_here(*add).returncode == 0
        assert kept() == ["deal", "enterprise"]
    b24_here(*add, "--entity-type", "both")
    assert kept() == ["both", "enterprise"]
