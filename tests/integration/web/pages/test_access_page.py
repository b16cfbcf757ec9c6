"""Keys made, shown once and revoked by the page, and who may do so."""

from __future__ import annotations

import re

import httpx

from b24_pipeline.store.access.keys import AccessKeys
from tests.integration.web.pages.conftest import Visitor, new_key
from tests.integration.web.routes.conftest import Managed
from tests.support.servers.pages_site import text_of


def test_a_key_is_made_shown_once_and_revoked(managed: Managed, operator: Visitor) -> None:
    """It works at once, is in no later page, and ends by its button; the audit names who did it."""
    answer = operator.post(
        "/access/keys", page="/access", name=" Anna, marketing ", role="viewer", sees="these", portal="acme"
    )
    assert answer.status_code == 200
    found = re.search(r'id="new-key">(b24_[\w-]{43})<', answer.text)
    assert found
    (made,) = AccessKeys(managed.warehouse).all()
    assert (made.name, made.role, made.portals) == ("Anna, marketing", "viewer", ["acme"])
    assert AccessKeys(managed.warehouse).holder(found[1])
    page = operator.client.get("/access").text
    assert found[1] not in page
    assert "B24_ADMIN_KEY" in page
    assert operator.post("/access/keys/revoke", page="/access", name="Anna, marketing").status_code == 303
    assert AccessKeys(managed.warehouse).all() == []
    assert "Anna" in operator.client.get("/access").text, "the audit forgets nothing"


def test_a_key_is_revoked_only_after_a_question(managed: Managed, operator: Visitor) -> None:
    """A page of its own asks, which needs no script, and says whose sessions end: those of this key alone."""
    operator.client.headers["Accept-Language"] = "en"
    keys = {name: new_key(managed, "admin", name=name) for name in ("Anna + Co", "Boris")}
    page = operator.client.get("/access").text
    assert 'action="/access/keys/revoke"' not in page
    asked = "/access/keys/revoke?name=Anna%20%2B%20Co"
    assert f'href="{asked}"' in page
    assert "Nobody is signed in with it." in text_of(operator.client.get(asked).text)
    with httpx.Client(base_url=operator.origin, trust_env=False, timeout=30) as client:
        anna = Visitor(client, operator.origin)
        assert anna.sign_in(keys["Anna + Co"]).status_code == 303
        assert anna.sign_in(keys["Boris"]).status_code == 303
        assert anna.sign_in(keys["Anna + Co"]).status_code == 303
        question = text_of(operator.client.get(asked).text)
        assert "1 browser is signed in with it, and will be signed out" in question
        assert "This is your own key" not in question
        assert "This is your own key" in text_of(client.get(asked, headers={"Accept-Language": "en"}).text)
        assert len(AccessKeys(managed.warehouse).all()) == 2, "nothing has happened yet"
        assert operator.post("/access/keys/revoke", page=asked, name="Anna + Co").status_code == 303
        assert client.get("/access").status_code == 303
    assert [key.name for key in AccessKeys(managed.warehouse).all()] == ["Boris"]
    assert operator.client.get(asked).status_code == 404


def test_a_name_that_is_none_or_taken_is_said(managed: Managed, operator: Visitor) -> None:
    """The page comes again with what was typed, and says why."""
    new_key(managed, "viewer", name="Anna")
    for name in ("Anna", "", "<b>", "x" * 64):
        answer = operator.post("/access/keys", page="/access", name=name, role="manager", sees="all")
        assert answer.status_code == 422, name
        assert 'role="alert"' in answer.text
        assert "<b>" not in answer.text
    assert len(AccessKeys(managed.warehouse).all()) == 1


def test_what_was_chosen_of_a_key_stays_and_its_portals_are_chosen(
    managed: Managed, operator: Visitor
) -> None:
    """A key for all portals is made by choosing all alone: neither no choice nor a form with a mistake makes one."""
    operator.client.headers["Accept-Language"] = "ru"
    for given, said in (
        ({"name": "<b>", "sees": "these", "portal": "acme"}, "Так ключ назвать нельзя"),
        ({"name": "Anna", "portal": "acme"}, "Выберите, какие порталы видны по ключу"),
        ({"name": "Anna", "sees": "these"}, "Выберите, какие порталы видны по ключу"),
        ({"name": "Anna", "sees": "these", "portal": "nobody"}, "Выберите, какие порталы видны по ключу"),
        ({"name": "Anna", "sees": ""}, "Выберите, какие порталы видны по ключу"),
        ({"name": "Anna", "sees": "all", "portal": "acme"}, "Выберите, какие порталы видны по ключу"),
    ):
        answer = operator.post("/access/keys", page="/access", role="manager", **given)
        assert answer.status_code == 422
        assert said in text_of(answer.text)
        chosen = set(re.findall(r'value="([^"]*)"(?: required)? (?:checked|selected)', answer.text))
        assert chosen == {"manager", given.get("sees"), given.get("portal")} - {None, "", "nobody"}
    assert AccessKeys(managed.warehouse).all() == []
    answer = operator.post("/access/keys", page="/access", name="Anna", role="viewer", sees="all")
    assert answer.status_code == 200
    assert [key.is_limited for key in AccessKeys(managed.warehouse).all()] == [False]


def test_only_an_admin_for_all_portals_manages_keys(managed: Managed, visitor: Visitor) -> None:
    """A manager does not see the page; an admin of one portal sees its audit alone, and makes no keys."""
    visitor.sign_in(new_key(managed, "manager"))
    assert visitor.client.get("/access").status_code == 403
    managed.add("globex")
    visitor.sign_in(new_key(managed, "admin", "globex", name="Boris"))
    page = visitor.client.get("/access").text
    assert "acme" not in page
    assert "Boris" not in page.split("<main")[1]
    answer = visitor.post("/access/keys", page="/access", name="Eve", role="admin")
    assert (answer.status_code, answer.json()["error"]) == (403, "role_too_low")
    assert visitor.post("/access/keys/revoke", page="/access", name="Boris").status_code == 403
    assert len(AccessKeys(managed.warehouse).all()) == 2
