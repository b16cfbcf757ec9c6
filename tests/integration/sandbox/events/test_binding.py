"""Who may bind which events, and what each kind of sender gets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from b24_pipeline.sandbox import EventDelivery, Sandbox
from tests.integration.sandbox.conftest import HTTP, App, Caller
from tests.integration.sandbox.events.conftest import MOVED, UPDATE, connected, deal
from tests.support.servers.event_receiver import Receiver

Start = Callable[..., Sandbox]


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
    """The variant of docs/bitrix24-rest.md 7.3 without tokens, still proved by the application token."""
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
