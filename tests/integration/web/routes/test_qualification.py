"""Conditions of qualification over the service, with a sandbox portal behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from b24_pipeline.store.qualification.conditions import read_conditions
from b24_pipeline.sync.run import SyncRequest, sync_portals
from tests.conftest import Server
from tests.support.data.qualifying import matched
from tests.support.frames import records
from tests.support.installation import fetch
from tests.support.servers.live_service import Live, live
from tests.support.servers.web_service import BEARER

PATH = "/bitrix24/qualification-fields"


@pytest.fixture(scope="module")
def running(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A portal whose rows are here already, and another one without anything."""
    url = server.fresh()
    with live(url, tmp_path_factory.mktemp("home"), leads=60, deals=60) as everything:
        everything.connect()
        runtime = everything.runtime
        sync_portals(runtime.connections, runtime.portals.named(), SyncRequest(), runtime.options())
        runtime.portals.add_webhook(
            "globex", "globex.bitrix24.com", "https://globex.bitrix24.com/rest/1/abcdefgh12345678/", **OTHER
        )
        yield everything
    server.drop(url)


OTHER: dict[str, Any] = {"entity_type": "both", "plan": "standard", "user_id": 1, "time_zone": "UTC"}


@pytest.fixture(autouse=True)
def without_conditions(running: Live) -> None:
    assert patch(running, []) == (200, {"fields": []})


def patch(running: Live, fields: Any, account: str = "acme") -> tuple[int, dict[str, Any]]:
    body = {"fields": fields} if isinstance(fields, list) else fields
    answer = running.client.patch(f"{PATH}?account={account}", json=body, headers=BEARER)
    return answer.status_code, answer.json()


def conditions(running: Live, account: str = "acme") -> dict[str, Any]:
    answer = running.client.get(f"{PATH}?account={account}", headers=BEARER)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def field(running: Live, owner: str, kind: str, *, multiple: bool = False) -> dict[str, Any]:
    """A field as `/bitrix24/...-custom-fields` tells it."""
    answer = running.client.get(f"/bitrix24/{owner}-custom-fields?account=acme", headers=BEARER).json()
    found: dict[str, Any] = next(
        item for item in answer["fields"] if (item["userTypeId"], item["multiple"]) == (kind, multiple)
    )
    return found


def condition(running: Live, owner: str, kind: str, **more: Any) -> dict[str, Any]:
    """A condition on a field of the portal, complete."""
    chosen = field(running, owner, kind)
    wanted: dict[str, Any] = {}
    if kind == "enumeration":
        wanted = {"enum_id": chosen["list"][0]["id"], "enum_value": chosen["list"][0]["value"]}
    if kind == "string":
        wanted = {"enum_value": "Окна 1"}
    named = {"field_id": chosen["id"], "field_name": chosen["fieldName"], "field_type": kind}
    return named | {"entity_type": owner} | wanted | more


def test_conditions_are_told_as_they_were_set(running: Live) -> None:
    """In order, complete, and none where none was set."""
    assert conditions(running) == {"fields": []}
    wanted = [
        condition(running, "deal", "enumeration"),
        condition(running, "contact", "boolean"),
        condition(running, "lead", "string"),
    ]
    assert patch(running, wanted) == (200, {"fields": wanted})
    assert conditions(running) == {"fields": wanted}


def test_number_and_option_name_are_looked_up(running: Live) -> None:
    """field_id may be left out, an option's id may be a number, and its name is the portal's."""
    whole = condition(running, "deal", "enumeration")
    short = whole | {"enum_id": int(whole["enum_id"]), "enum_value": "something else"}
    del short["field_id"]
    assert patch(running, [short]) == (200, {"fields": [whole]})


def test_everything_is_evaluated_before_the_answer(running: Live) -> None:
    """Right after the call the table has who fulfils the new conditions: by the portal's own rows."""
    patch(running, [condition(running, "lead", "boolean")])
    patch(running, [condition(running, "deal", "enumeration"), condition(running, "contact", "boolean")])
    chosen = read_conditions(conditions(running))
    contacts = {row["ID"]: row for row in records(running.sandbox.truth.entities("contact"))}
    expected = {
        (kind, row["ID"]): found
        for kind in ("lead", "deal")
        for row in records(running.sandbox.truth.entities(kind))
        if (found := matched(chosen, kind, row, contacts.get(row["CONTACT_ID"])))
    }
    assert len(expected) > 20
    stored = fetch(
        running.runtime.warehouse,
        "select entity_type, entity_id, matched_field from bitrix24_qualification where is_qualified",
    )
    assert {(row["entity_type"], row["entity_id"]): row["matched_field"] for row in stored} == expected


def test_what_does_not_fit_the_fields_is_refused(running: Live) -> None:
    """No such field, another type, another number, no such option: told in one line, and nothing is changed."""
    kept = [condition(running, "deal", "boolean")]
    patch(running, kept)
    choice = condition(running, "deal", "enumeration")
    for wrong, said in (
        (
            choice | {"field_name": "UF_CRM_NONE"},
            "no boolean, enumeration or string field UF_CRM_NONE of deals",
        ),
        (choice | {"field_name": "TITLE"}, "field TITLE of deals"),
        (choice | {"entity_type": "lead"}, "of leads"),
        (choice | {"field_id": 999999}, "field_id"),
        (choice | {"enum_id": "999999"}, "no option 999999"),
        (
            {key: choice[key] for key in ("field_name", "entity_type")} | {"field_type": "boolean"},
            "is of type enumeration, not boolean",
        ),
    ):
        status, answer = patch(running, [*kept, wrong])
        assert (status, answer["error"]) == (422, "condition_refused"), answer
        assert said in answer["message"]
    assert conditions(running) == {"fields": kept}


def test_what_is_no_condition_is_refused(running: Live) -> None:
    """More than three, no value, a value too many, an unknown type or key: 422, and nothing is changed."""
    choice, flag = condition(running, "deal", "enumeration"), condition(running, "deal", "boolean")
    text = condition(running, "deal", "string")
    for wrong in (
        [flag] * 4,
        [{key: value for key, value in choice.items() if key != "enum_id"}],
        [{key: value for key, value in text.items() if key != "enum_value"}],
        [text | {"enum_value": ""}],
        [text | {"enum_value": "a\x00b"}],
        [text | {"enum_id": "1"}],
        [flag | {"enum_value": "yes"}],
        [flag | {"field_type": "date"}],
        [flag | {"entity_type": "company"}],
        [flag | {"fieldName": "UF_CRM_1"}],
        [1],
        {"fields": None},
        {},
    ):
        status, answer = patch(running, wrong)
        assert (status, answer["error"]) == (422, "invalid"), wrong
    assert conditions(running) == {"fields": []}


def test_a_field_of_another_account_is_none(running: Live) -> None:
    """Each portal has its own fields and its own conditions."""
    mine = [condition(running, "deal", "boolean")]
    patch(running, mine)
    status, answer = patch(running, mine, "globex")
    assert (status, answer["error"]) == (422, "condition_refused")
    assert conditions(running, "globex") == {"fields": []}
    assert patch(running, [], "globex") == (200, {"fields": []})
    assert conditions(running) == {"fields": mine}


def test_conditions_that_cannot_be_read_are_told(running: Live) -> None:
    """Somebody stored by SQL what is none: the call says which portal, and a new list mends it."""
    with running.runtime.warehouse.connect() as connection:
        connection.execute(
            "update user_accounts set bitrix24_qualification_fields = '[1]' where name = 'acme'"
        )
    answer = running.client.get(f"{PATH}?account=acme", headers=BEARER)
    assert (answer.status_code, answer.json()["error"]) == (422, "condition_refused")
    assert "acme" in answer.json()["message"]
    assert patch(running, [])[0] == 200
