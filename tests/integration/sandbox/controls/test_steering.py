"""Changing the portal from inside and over HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from b24_pipeline.sandbox import Sandbox
from tests.integration.sandbox.conftest import HTTP, Caller


def test_changes_touch_what_they_report(start: Callable[..., Sandbox]) -> None:
    """Exactly the reported elements differ, each once, and their change is the portal's present."""
    sandbox = start(leads=300, deals=300)
    types = ("lead", "deal", "contact", "company")
    before = {name: {row["ID"]: row for row in sandbox.truth.raw(name)} for name in types}
    started = Caller(sandbox)("profile")[1]["time"]["date_start"]
    report = sandbox.change(100, seed=4, kinds=("edit", "stage", "pipeline", "add", "phone", "delete"))
    assert report.total == 100
    for name in types:
        after = {row["ID"]: row for row in sandbox.truth.raw(name)}
        changed = {int(key) for key, row in after.items() if key in before[name] and row != before[name][key]}
        assert changed == report.changed[name]
        assert {int(key) for key in after.keys() - before[name].keys()} == report.added[name]
        assert {int(key) for key in before[name].keys() - after.keys()} == report.deleted[name]
        assert all(after[str(key)]["DATE_MODIFY"] >= started for key in changed)


def test_changed_rows_are_found_by_their_time(start: Callable[..., Sandbox]) -> None:
    """An incremental read by DATE_MODIFY gets the changed and the added rows, no others."""
    sandbox = start(leads=300, deals=300)
    call = Caller(sandbox)
    since = call("profile")[1]["time"]["date_start"]
    report = sandbox.change(40, seed=2)
    rows = call.result("crm.deal.list", filter={">=DATE_MODIFY": since}, order={"ID": "ASC"})
    assert {int(row["ID"]) for row in rows} == report.changed["deal"] | report.added["deal"]


def test_moves_make_history(start: Callable[..., Sandbox]) -> None:
    """A move across pipelines has type 5 and is the last row of the truth."""
    sandbox = start()
    deal = sandbox.truth.entities("deal").iloc[0]
    target = 6 if deal["CATEGORY_ID"] != 6 else 9
    sandbox.move("deal", int(deal["ID"]), f"C{target}:NEW", category=target)
    last = sandbox.truth.history("deal").iloc[-1]
    assert (last["owner_id"], last["type_id"], last["category_id"]) == (deal["ID"], 5, target)
    assert sandbox.truth.entities("deal").iloc[0]["STAGE_ID"] == f"C{target}:NEW"


def test_stages_are_renamed_sorted_added_and_deleted(start: Callable[..., Sandbox]) -> None:
    """The directory follows; deals in a deleted stage keep its code."""
    sandbox = start()
    sandbox.rename_stage("deal", "C4:NEW", "Первый контакт")
    sandbox.sort_stage("deal", "C4:PREPARATION", 5)
    sandbox.add_stage("deal", "C4:UC_MORE", "Ещё этап", category=4, sort=45)
    sandbox.delete_stage("deal", "C4:LOSE")
    rows = Caller(sandbox).result(
        "crm.status.list", filter={"ENTITY_ID": "DEAL_STAGE_4"}, order={"SORT": "ASC"}
    )
    names = {row["STATUS_ID"]: row["NAME"] for row in rows}
    assert rows[0]["STATUS_ID"] == "C4:PREPARATION"
    assert names["C4:NEW"] == "Первый контакт"
    assert "C4:UC_MORE" in names
    assert "C4:LOSE" not in names
    with pytest.raises(LookupError, match="C4:LOSE"):
        sandbox.rename_stage("deal", "C4:LOSE", "x")


def test_a_new_user_field_appears_everywhere(start: Callable[..., Sandbox]) -> None:
    """In the catalogue, in lists as empty, and it can be written."""
    sandbox = start()
    field = sandbox.add_user_field(
        "deal", "colour", "enumeration", label="Цвет", options=("красный", "синий")
    )
    call = Caller(sandbox)
    identifier = int(sandbox.truth.entities("deal")["ID"].iloc[0])
    assert call.result("crm.deal.get", id=identifier)["UF_CRM_COLOUR"] is None
    sandbox.update("deal", identifier, {"UF_CRM_COLOUR": field.options[1].id})
    assert call.result("crm.deal.get", id=identifier)["UF_CRM_COLOUR"] == str(field.options[1].id)
    assert call.result("crm.deal.fields")["UF_CRM_COLOUR"]["items"][0]["VALUE"] == "красный"


def test_other_processes_steer_over_http(start: Callable[..., Sandbox]) -> None:
    """Change, move, faults, truth, stats and mistakes under /sandbox/."""
    sandbox = start()
    base = sandbox.url + "/sandbox/"
    report = HTTP.post(base + "change", json={"n": 10, "seed": 1}).json()["result"]
    assert sum(len(ids) for part in report.values() for ids in part.values()) == 10
    identifier = HTTP.post(base + "add", json={"entity_type": "lead", "fields": {"TITLE": "x"}}).json()[
        "result"
    ]
    HTTP.post(base + "move", json={"entity_type": "lead", "id": identifier, "stage": "JUNK"})
    truth = HTTP.get(base + "truth/lead").json()["result"]
    assert truth == json.loads(json.dumps(list(sandbox.truth.raw("lead"))))
    assert truth[-1]["STATUS_ID"] == "JUNK"
    assert HTTP.get(base + "truth/lead/history").json()["result"][-1]["stage_id"] == "JUNK"
    for path in ("truth/users", "truth/pipelines", "truth/deal/stages", "truth/deal/fields", "requests"):
        assert "result" in HTTP.get(base + path).json()
    HTTP.post(base + "faults", json={"kind": "html", "status": 502, "times": 1})
    assert HTTP.get(sandbox.webhook_url + "profile").status_code == 502
    assert HTTP.get(base + "stats").json()["result"]["requests"] == 1
    HTTP.delete(base + "faults")
    HTTP.post(base + "stats/reset")
    assert HTTP.get(base + "stats").json()["result"]["requests"] == 0
    mistake = HTTP.post(base + "move", json={"entity_type": "lead", "id": 10**9, "stage": "JUNK"})
    assert (mistake.status_code, "10" in mistake.json()["error"]) == (400, True)


def test_the_command_explains_a_wrong_delivery() -> None:
    """One line that names the settings there are, exit 2."""
    command = [sys.executable, "-m", "b24_pipeline", "sandbox", "--port", "0", "--events", "loose=1"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [
        "b24: --events loose=1: 'loose' is none of duplicate, reorder, lose, delay_seconds,"
        " burst, seed, tokens, timeout_seconds"
    ]


def test_the_command_explains_wrong_entities() -> None:
    """One line that names the entities there are, exit 2."""
    command = [sys.executable, "-m", "b24_pipeline", "sandbox", "--port", "0", "--also", "smart_tips=1"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith(
        "b24: --also smart_tips=1: 'smart_tips' is none of smart_types, smart_items"
    )


def test_the_module_serves_until_it_is_told_to_stop() -> None:
    """One JSON line with addresses and secrets, then answers, then an end within seconds of SIGTERM."""
    command = [sys.executable, "-m", "b24_pipeline.sandbox", "--leads", "20", "--deals", "20", "--seed", "9"]
    command += ["--smart-types", "1", "--smart-items", "5", "--scope", "crm"]
    command += ["--quirks", '{"no_total": ["crm.type.list"]}']
    command += ["--redirect-uri", "http://app.example/back", "--events", "lose=1", "--change-every", "0.1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        addresses = json.loads(process.stdout.readline())
        assert HTTP.get(addresses["webhook_url"] + "profile").json()["result"]["ID"] == "1"
        types = HTTP.get(addresses["webhook_url"] + "crm.type.list").json()
        assert (len(types["result"]["types"]), "total" in types) == (1, False)
        consent = {"client_id": addresses["client_id"], "state": "s", "confirm": "Y"}
        redirect = HTTP.get(addresses["url"] + "/oauth/authorize/", params=consent).headers["location"]
        assert redirect.startswith("http://app.example/back?code=")
        assert addresses["member_id"] in redirect
    finally:
        process.terminate()
        process.wait(timeout=5)
