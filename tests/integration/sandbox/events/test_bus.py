"""Events: who is told what happened, in which form, and how badly they travel."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from b24pysdk.credentials import OAuthEventData

from b24_pipeline.sandbox import EventDelivery, Sandbox
from tests.integration.sandbox.conftest import HTTP, App, Caller
from tests.support.servers.event_receiver import Receiver

Start = Callable[..., Sandbox]
ADD, UPDATE, DELETE = "ONCRMDEALADD", "ONCRMDEALUPDATE", "ONCRMDEALDELETE"
MOVED = "ONCRMDEALMOVETOCATEGORY"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A handler that answers 200."""
    with Receiver() as one:
        yield one


def connected(sandbox: Sandbox, receiver: Receiver, *events: str) -> str:
    """Bind events to the receiver; the access token."""
    token: str = App(sandbox).tokens()["access_token"]
    App(sandbox).bind(token, receiver.url, *events)
    return token


def deal(sandbox: Sandbox, place: int = 0) -> int:
    """The id of a deal."""
    return int(sandbox.truth.entities("deal")["ID"].iloc[place])


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
        "auth[scope]": "crm,user",
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


def test_binding_keeps_the_rules(start: Start) -> None:
    """Duplicates, unknown events, bad handlers, webhook credentials; unbind counts."""
    sandbox = start()
    app = App(sandbox)
    token = app.tokens()["access_token"]
    handler = "https://app.example/hook"

    def bind(**params: Any) -> tuple[int, Any]:
        return app.call(token, "event.bind", **{"event": UPDATE, "handler": handler} | params)

    assert bind()[1]["result"] is True
    status, body = bind()
    assert (status, body["error"]) == (400, "ERROR_CORE")
    assert body["error_description"].startswith("Unable to set event handler")
    assert bind(auth_type=3)[1]["result"] is True
    assert bind(event="ONNOTHING")[1]["error"] == "ERROR_EVENT_NOT_FOUND"
    assert bind(handler="ftp://x")[1]["result"] is False
    assert bind(event_type="offline")[1]["result"] is True
    listed = app.call(token, "event.get")[1]["result"]
    assert listed == [
        {"event": UPDATE, "handler": handler, "auth_type": "0", "offline": 0},
        {"event": UPDATE, "handler": handler, "auth_type": "3", "offline": 0},
        {"event": UPDATE, "connector_id": "", "offline": 1},
    ]
    assert app.call(token, "event.unbind", event=UPDATE, handler=handler)[1]["result"] == {"count": 2}
    assert app.call(token, "event.unbind", event=UPDATE, handler=handler)[1]["result"] == {"count": 0}
    assert MOVED in app.call(token, "events")[1]["result"]
    status, body = Caller(sandbox)("event.bind", event=UPDATE, handler=handler)
    assert (status, body["error"]) == (403, "WRONG_AUTH_TYPE")


def test_who_is_no_administrator_binds_for_himself(start: Start) -> None:
    """Other users' events and the offline queue are refused."""
    app = App(start(admin=False))
    token = app.tokens()["access_token"]
    asked = {"event": UPDATE, "handler": "https://app.example/hook"}
    assert app.call(token, "event.bind", **asked)[0] == 200
    assert app.call(token, "event.bind", **asked, auth_type=3)[1]["error"] == "ACCESS_DENIED"
    assert app.call(token, "event.bind", event=UPDATE, event_type="offline")[1]["error"] == "ACCESS_DENIED"


def test_an_outgoing_webhook_has_its_own_token(start: Start, receiver: Receiver) -> None:
    """No OAuth tokens, no funnel changes; a bare one has neither endpoints nor handler id."""
    sandbox = start()
    with pytest.raises(ValueError, match=MOVED):
        sandbox.add_outgoing_webhook(receiver.url, [MOVED], "secret")
    sandbox.add_outgoing_webhook(receiver.url, [UPDATE], "secret")
    sandbox.add_outgoing_webhook(receiver.url, [UPDATE], "other", bare=True)
    sandbox.update("deal", deal(sandbox), {"TITLE": "x"})
    sandbox.wait_for_events()
    whole, bare = sorted(receiver.events, key=len, reverse=True)
    assert {key for key in whole if key.startswith("auth")} == {
        f"auth[{name}]"
        for name in ("domain", "client_endpoint", "server_endpoint", "member_id", "application_token")
    }
    assert (whole["auth[application_token]"], bare["auth[application_token]"]) == ("secret", "other")
    assert bare.keys() == {
        "event",
        "data[FIELDS][ID]",
        "ts",
        "auth[domain]",
        "auth[member_id]",
        "auth[application_token]",
    }


def test_robots_cause_events_without_tokens(start: Start, receiver: Receiver) -> None:
    """The variant of docs/bitrix24-rest.md, section 7.3 without tokens, still proved by the application token."""
    sandbox = start(events=EventDelivery(tokens=False))
    connected(sandbox, receiver, UPDATE)
    sandbox.update("deal", deal(sandbox), {"TITLE": "x"})
    sandbox.wait_for_events()
    assert "auth[access_token]" not in receiver.events[0]
    assert receiver.events[0]["auth[application_token]"] == sandbox.config.application_token


def test_installing_brings_tokens_and_removing_ends_them(start: Start, receiver: Receiver) -> None:
    """ONAPPINSTALL has a working pair; ONAPPUNINSTALL has none, and no event comes after it."""
    sandbox = start()
    app = App(sandbox)
    sandbox.install_app(receiver.url)
    sandbox.wait_for_events()
    (install,) = receiver.of("ONAPPINSTALL")
    assert (install["data[INSTALLED]"], install["data[ACTIVE]"]) == ("Y", "Y")
    assert app.call(install["auth[access_token]"], "profile")[0] == 200
    assert app.refresh(install["auth[refresh_token]"]).status_code == 200
    connected(sandbox, receiver, UPDATE, "ONAPPUNINSTALL")
    HTTP.post(f"{sandbox.url}/sandbox/app/uninstall", json={"clean": True})
    sandbox.update("deal", deal(sandbox), {"TITLE": "x"})
    sandbox.wait_for_events()
    assert [one["event"] for one in receiver.events] == ["ONAPPINSTALL", "ONAPPUNINSTALL"]
    assert receiver.events[1]["data[CLEAN]"] == "1"
    assert "auth[access_token]" not in receiver.events[1]
    HTTP.post(f"{sandbox.url}/sandbox/app/install", json={"url": receiver.url})
    sandbox.wait_for_events()
    assert app.call(receiver.events[-1]["auth[access_token]"], "event.get")[1]["result"] == []


def test_an_unfinished_app_gets_no_events(start: Start, receiver: Receiver) -> None:
    """It may bind, `app.info` says what is missing, and events come once it is finished."""
    sandbox = start()
    sandbox.finish_installation(False)
    token = connected(sandbox, receiver, UPDATE)
    assert App(sandbox).call(token, "app.info")[1]["result"]["INSTALLED"] is False
    sandbox.update("deal", deal(sandbox), {"TITLE": "x"})
    assert sandbox.wait_for_events() == []
    HTTP.post(f"{sandbox.url}/sandbox/app/finish-installation")
    sandbox.update("deal", deal(sandbox), {"TITLE": "y"})
    assert len(sandbox.wait_for_events()) == 1


def test_nobody_sends_twice(start: Start) -> None:
    """A refusal, a redirect, a handler that is gone: each event was sent once and is over."""
    sandbox = start()
    silent = socket.create_server(("127.0.0.1", 0))
    with silent, Receiver(status=500) as refusing, Receiver(status=302) as moving:
        token = connected(sandbox, refusing, UPDATE)
        for url in (moving.url, f"http://127.0.0.1:{silent.getsockname()[1]}/", "http://127.0.0.1:9/"):
            App(sandbox).bind(token, url, UPDATE)
        sandbox.deliver_events(timeout_seconds=0.3)
        sandbox.update("deal", deal(sandbox), {"TITLE": "x"})
        statuses = [one.status for one in sandbox.wait_for_events()]
    assert sorted(map(int, statuses)) == [0, 0, 302, 500]
    assert len(refusing.events) == len(moving.events) == 1


def test_deliveries_are_distorted_as_set(start: Start, receiver: Receiver) -> None:
    """Some lost, some doubled, some out of turn, all delayed; what was sent says the same."""
    settings = EventDelivery(lose=0.3, duplicate=0.3, reorder=0.3, delay_seconds=0.2, burst=8, seed=5)
    sandbox = start(events=settings)
    connected(sandbox, receiver, ADD)
    begun = time.monotonic()
    ids = [sandbox.add("deal", {"TITLE": "x"}) for _ in range(100)]
    sent = sandbox.wait_for_events()
    assert time.monotonic() - begun >= 0.2
    lost = {one.entity_id for one in sent if one.status == "lost"}
    arrived = Counter(receiver.ids(ADD))
    assert arrived.keys() == set(ids) - lost
    assert 15 < len(lost) < 45
    assert 10 < sum(1 for times in arrived.values() if times == 2) < 40
    assert max(arrived.values()) == 2
    assert list(arrived) != sorted(arrived)


def test_events_are_steered_over_http(start: Start, receiver: Receiver) -> None:
    """A webhook of the portal, another delivery, what was sent, who is bound."""
    sandbox = start()
    base = sandbox.url + "/sandbox/"
    connected(sandbox, receiver, UPDATE)
    hook = {"url": receiver.url, "events": [ADD], "application_token": "secret"}
    assert HTTP.post(base + "outgoing-webhook", json=hook).json()["result"] > 0
    HTTP.post(base + "events/delivery", json={"lose": 1})
    HTTP.post(base + "add", json={"entity_type": "deal", "fields": {"TITLE": "x"}})
    (sent,) = HTTP.get(base + "events").json()["result"]
    assert (sent["event"], sent["status"]) == (ADD, "lost")
    assert HTTP.get(base + "bindings").json()["result"][0]["handler"] == receiver.url
    assert HTTP.post(base + "events/delivery", json={"lose": 7}).status_code == 400


def test_the_portal_changes_by_itself(start: Start, receiver: Receiver) -> None:
    """Something happens every so often until the portal stops."""
    sandbox = start()
    connected(sandbox, receiver, UPDATE, MOVED, ADD)
    sandbox.keep_changing(0.02)
    deadline = time.monotonic() + 10
    while not receiver.events and time.monotonic() < deadline:
        time.sleep(0.02)
    assert receiver.events
