"""`b24 portal qualification`: conditions from the command line."""

from __future__ import annotations

import json
from pathlib import Path

from b24_pipeline.sandbox import Sandbox
from tests.acceptance.conftest import B24, connect
from tests.acceptance.test_bad_input import USAGE, assert_refused
from tests.support.expected.tables import rows

QUALIFICATION = ("portal", "qualification", "acme")


def test_conditions_are_set_shown_and_taken_away(
    b24_here: B24, sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """As JSON or from a file, followed by what they are and how many they qualify."""
    connect(b24_here, sandbox)
    assert b24_here("sync", "acme", "--no-models").returncode == 0
    assert "no conditions" in b24_here(*QUALIFICATION).stderr
    fields = sandbox.portal.entities["deal"].user_fields
    flag = next(one for one in fields if one.type == "boolean")
    choice = next(one for one in fields if one.type == "enumeration" and not one.multiple)
    option = choice.options[1]
    wanted = [
        {"field_name": flag.name, "field_type": "boolean", "entity_type": "deal"},
        {"field_name": choice.name, "field_type": "enumeration", "entity_type": "deal", "enum_id": option.id},
    ]
    (tmp_path / "conditions.json").write_text(json.dumps({"fields": wanted}), "utf-8")
    truth = sandbox.truth.entities("deal")
    truth = truth[truth["IS_RECURRING"] != "Y"]  # templates of recurring deals are no deals
    expected = ((truth[flag.name] == "1") | (truth[choice.name] == str(option.id))).sum()
    for given in (json.dumps(wanted), "conditions.json"):
        shown = b24_here(*QUALIFICATION, "--set", given)
        assert shown.returncode == 0, shown.stderr
        assert f"qualified now: 0 leads, {expected} deals" in shown.stdout
        assert f"{option.value} ({option.id})" in shown.stdout
    assert b24_here(*QUALIFICATION).stdout == shown.stdout
    assert "no conditions" in b24_here(*QUALIFICATION, "--clear").stderr
    assert rows(database_url, "select entity_id from bitrix24_qualification where is_qualified") == []


def test_figures_follow_conditions(b24_here: B24, sandbox: Sandbox, database_url: str) -> None:
    """Whoever sets conditions sees them in the marts and in the funnel; with --no-models after the next build."""
    connect(b24_here, sandbox)
    assert b24_here("sync", "acme").returncode == 0
    flag = next(one for one in sandbox.portal.entities["deal"].user_fields if one.type == "boolean")
    wanted = json.dumps([{"field_name": flag.name, "field_type": "boolean", "entity_type": "deal"}])
    truth = sandbox.truth.entities("deal")
    expected = int(((truth["IS_RECURRING"] != "Y") & (truth[flag.name] == "1")).sum())

    def qualified() -> int:
        (row,) = rows(
            database_url, "select count(*) filter (where is_qualified) as n from analytics.fct_deal"
        )
        return int(row["n"])

    assert b24_here(*QUALIFICATION, "--set", wanted).returncode == 0
    assert qualified() == expected > 0
    assert b24_here(*QUALIFICATION, "--clear", "--no-models").returncode == 0
    assert qualified() == expected > 0
    assert b24_here("models").returncode == 0
    assert qualified() == 0


def test_what_cannot_be_set_is_told(b24_here: B24, sandbox: Sandbox, tmp_path: Path) -> None:
    """No portal, no JSON, no file, no such field, both options: one line, exit 2."""
    connect(b24_here, sandbox)
    condition = {"field_name": "UF_CRM_1", "field_type": "boolean", "entity_type": "deal"}
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for given, said in (
        ("[{", "no JSON"),
        ("missing.json", "missing.json"),
        ("binary", "UTF-8"),
        (json.dumps([condition]), "UF_CRM_1 of deals"),
        (json.dumps([condition] * 4), "at most 3"),
        (json.dumps([condition | {"field_type": "date"}]), "0.field_type"),
    ):
        assert_refused(b24_here(*QUALIFICATION, "--set", given), USAGE, said)
    assert_refused(b24_here(*QUALIFICATION, "--set", "[]", "--clear"), USAGE, "not both")
    assert_refused(b24_here("portal", "qualification", "globex"), USAGE, "globex")
