"""Users: when they changed, who may see what of them (docs/bitrix24-rest-more.md, section 7)."""

from __future__ import annotations

from collections.abc import Callable

from b24_pipeline.sandbox import Sandbox
from tests.integration.sandbox.conftest import HTTP, Caller
from tests.integration.sandbox.events.conftest import connected
from tests.support.servers.event_receiver import Receiver


def test_changed_users_are_found_though_the_value_is_empty(own: Caller) -> None:
    """TIMESTAMP_X can be filtered by where it shows `{}`; an unreadable time matches nothing."""
    hidden = next(user for user in own.result("user.get") if user["TIMESTAMP_X"] == {})
    since = own("profile")[1]["time"]["date_start"]
    assert own.result("user.get", FILTER={">=TIMESTAMP_X": since}) == []
    own.sandbox.change_user(int(hidden["ID"]), {"ACTIVE": False})
    [found] = own.result("user.get", FILTER={">=TIMESTAMP_X": since})
    assert (found["ID"], found["ACTIVE"], found["TIMESTAMP_X"]) == (hidden["ID"], False, {})
    assert own("user.get", FILTER={"<TIMESTAMP_X": since})[1]["total"] == 19
    assert own.result("user.get", FILTER={">=TIMESTAMP_X": "soon"}) == []


def test_selected_fields_alone_come(own: Caller) -> None:
    """`*` leaves user fields out, `UF_*` has only those."""
    assert set(own.result("user.get", select=["NAME"])[0]) == {"ID", "NAME"}
    assert "UF_DEPARTMENT" not in own.result("user.get", select=["*"])[0]
    assert set(own.result("user.get", select=["UF_*"])[0]) == {"ID", "UF_DEPARTMENT"}


def test_a_lesser_scope_hides_fields(start: Callable[..., Sandbox]) -> None:
    """`user_brief` has no ways to reach somebody; without any of the scopes the method is refused."""
    brief, basic = (Caller(start(scope=("crm", scope))) for scope in ("user_brief", "user_basic"))
    assert "EMAIL" not in brief.result("user.get")[0]
    assert "EMAIL" in basic.result("user.get")[0]
    assert Caller(start(scope=("crm",)))("user.get")[1]["error"] == "insufficient_scope"


def test_only_a_new_user_is_told_of(start: Callable[..., Sandbox], receiver: Receiver) -> None:
    """Flat, with the flag as text; a dismissal raises no event."""
    sandbox = start()
    connected(sandbox, receiver, "ONUSERADD")
    identifier = HTTP.post(sandbox.url + "/sandbox/user/add", json={"fields": {"NAME": "Ада"}}).json()[
        "result"
    ]
    HTTP.post(sandbox.url + "/sandbox/user/change", json={"id": identifier, "fields": {"ACTIVE": False}})
    sandbox.wait_for_events()
    [event] = receiver.events
    assert (event["data[ID]"], event["data[NAME]"], event["data[ACTIVE]"]) == (str(identifier), "Ада", "Y")
    assert Caller(sandbox).result("user.get", FILTER={"ID": identifier})[0]["ACTIVE"] is False
    mistake = HTTP.post(sandbox.url + "/sandbox/user/change", json={"id": 10**6, "fields": {}})
    assert mistake.status_code == 400
