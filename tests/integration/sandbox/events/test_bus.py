"""Events: who is told what happened, and in which form."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from b24pysdk.credentials import OAuthEventData

from b24_pipeline.sandbox import Sandbox
from tests.integration.sandbox.conftest import App, Caller
from tests.integration.sandbox.events.conftest import ADD, DELETE, MOVED, UPDATE, connected, deal
from tests.support.servers.event_receiver import Receiver

Start = Callable[..., Sandbox]


def test_an_event_looks_as_the_fact_sheet_says(start: Start, receiver: Receiver) -> None:
    """A form with brackets, an id and nothing of the deal, live tokens, the application token."""
    sandbox = start()
    connected(sandbox, receiver, UPDATE)
    sandbox.update("deal", deal(sandbox), {"TITLE": "x"})
    (sent,) = sandbox.wait_for_events()
    (event,) = receiver.events
    assert (sent.event, sent.entity_id, sent.handler, sent.status) == (
        UPDATE,
        deal(sandbox),
        receiver.url,
        200,
    )
    assert receiver.headers["user-agent"] == "Bitrix24 Webhook Engine"
    assert receiver.headers["content-type"] == "application/x-www-form-urlencoded"
    assert abs(int(event.pop("ts")) - time.time()) < 5
    assert int(event.pop("auth[expires]")) > time.time()
    assert App(sandbox).call(event.pop("auth[access_token]"), "profile")[0] == 200
    assert int(event.pop("event_handler_id")) > 0
    host = sandbox.url.removeprefix("http://")
    assert event == {
        "event": UPDATE,
        "data[FIELDS][ID]": str(deal(sandbox)),
        "auth[expires_in]": "3600",
        "auth[scope]": "crm,user,department",
        "auth[domain]": host,
        "auth[server_endpoint]": f"http://{host}/rest/",
        "auth[status]": "L",
        "auth[client_endpoint]": f"http://{host}/rest/",
        "auth[member_id]": sandbox.member_id,
        "auth[user_id]": "1",
        "auth[application_token]": sandbox.config.application_token,
    }


def test_b24pysdk_reads_the_events(start: Start, receiver: Receiver) -> None:
    """A client that we did not write understands events with tokens and without."""
    sandbox = start()
    connected(sandbox, receiver, UPDATE, "ONAPPUNINSTALL")
    sandbox.update("deal", deal(sandbox), {"TITLE": "x"})
    sandbox.uninstall_app()
    sandbox.wait_for_events()
    update, uninstall = map(OAuthEventData.from_dict, receiver.events)
    assert (update.event, update.is_system, update.data) == (
        UPDATE,
        False,
        {"FIELDS": {"ID": str(deal(sandbox))}},
    )
    assert (uninstall.is_system, uninstall.auth.application_token) == (True, sandbox.config.application_token)


@pytest.mark.parametrize("entity_type", ["lead", "deal", "contact", "company"])
def test_changes_by_rest_raise_events(start: Start, receiver: Receiver, entity_type: str) -> None:
    """Add, update and delete of every entity, called by a webhook credential."""
    sandbox = start()
    prefix = f"ONCRM{entity_type.upper()}"
    connected(sandbox, receiver, *(prefix + action for action in ("ADD", "UPDATE", "DELETE")))
    call = Caller(sandbox)
    identifier = call.result(f"crm.{entity_type}.add", fields={"TITLE": "x", "NAME": "y"})
    call.result(f"crm.{entity_type}.update", id=identifier, fields={"COMMENTS": "z"})
    call.result(f"crm.{entity_type}.delete", id=identifier)
    assert call(f"crm.{entity_type}.update", id=identifier, fields={})[0] == 400
    sandbox.wait_for_events()
    assert [(one["event"], int(one["data[FIELDS][ID]"])) for one in receiver.events] == [
        (prefix + action, identifier) for action in ("ADD", "UPDATE", "DELETE")
    ]


def test_a_funnel_change_is_no_update(start: Start, receiver: Receiver) -> None:
    """Only ONCRMDEALMOVETOCATEGORY, with its funnel and stage; a move inside the funnel is an update."""
    sandbox = start()
    connected(sandbox, receiver, UPDATE, MOVED)
    identifier = deal(sandbox)
    target = 6 if sandbox.truth.entities("deal")["CATEGORY_ID"].iloc[0] != 6 else 9
    sandbox.move("deal", identifier, f"C{target}:NEW", category=target)
    sandbox.move("deal", identifier, f"C{target}:WON")
    sandbox.wait_for_events()
    assert [one["event"] for one in receiver.events] == [MOVED, UPDATE]
    assert {key: value for key, value in receiver.events[0].items() if key.startswith("data")} == {
        "data[FIELDS][ID]": str(identifier),
        "data[FIELDS][CATEGORY_ID]": str(target),
        "data[FIELDS][STAGE_ID]": f"C{target}:NEW",
    }


def test_user_fields_raise_events(start: Start, receiver: Receiver) -> None:
    """Added, labelled, with other options, deleted; the data name the field."""
    sandbox = start()
    actions = ("ADD", "UPDATE", "SETENUMVALUES", "DELETE")
    connected(sandbox, receiver, *(f"ONCRMDEALUSERFIELD{action}" for action in actions))
    field = sandbox.add_user_field("deal", "colour", "enumeration", options=("red", "blue"))
    changed = sandbox.change_user_field("deal", field.name, options=("blue", "green"))
    assert (changed.options[0].id, changed.options[1].id) == (field.options[1].id, field.options[1].id + 1)
    sandbox.delete_user_field("deal", field.name)
    sandbox.wait_for_events()
    assert [one["event"].removeprefix("ONCRMDEALUSERFIELD") for one in receiver.events] == list(actions)
    assert receiver.events[0]["data[FIELDS][FIELD_NAME]"] == field.name
    assert receiver.events[0]["data[FIELDS][ENTITY_ID]"] == "CRM_DEAL"
    assert field.name not in Caller(sandbox).result("crm.deal.fields")
    assert field.name not in Caller(sandbox).result("crm.deal.get", id=deal(sandbox))


def test_random_changes_are_all_told(start: Start, receiver: Receiver) -> None:
    """Every changed, added and deleted deal has its event."""
    sandbox = start()
    connected(sandbox, receiver, ADD, UPDATE, DELETE, MOVED)
    report = sandbox.change(60, seed=3, kinds=("edit", "stage", "pipeline", "add", "delete"))
    sandbox.wait_for_events()
    assert set(receiver.ids(ADD)) == report.added["deal"]
    assert set(receiver.ids(UPDATE)) | set(receiver.ids(MOVED)) == report.changed["deal"]
    assert set(receiver.ids(DELETE)) == report.deleted["deal"]
    assert len(receiver.events) == sum(
        len(getattr(report, one)["deal"]) for one in ("changed", "added", "deleted")
    )
