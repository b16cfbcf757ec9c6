"""Keys made, shown once and revoked by the page, and who may do so."""

from __future__ import annotations

import re

from b24_pipeline.store.access.keys import AccessKeys
from tests.integration.web.pages.conftest import Visitor, new_key
from tests.integration.web.routes.conftest import Managed


def test_a_key_is_made_shown_once_and_revoked(managed: Managed, operator: Visitor) -> None:
    """It works at once, is in no later page, and ends by its button; the audit names who did it."""
    answer = operator.post("/access/keys", page="/access", name=" Anna ", role="viewer", portal="acme")
    assert answer.status_code == 200
    found = re.search(r'id="new-key">(b24_[\w-]{43})<', answer.text)
    assert found
    (made,) = AccessKeys(managed.warehouse).all()
    assert (made.name, made.role, made.portals) == ("Anna", "viewer", ["acme"])
    assert AccessKeys(managed.warehouse).holder(found[1])
    page = operator.client.get("/access").text
    assert found[1] not in page
    assert "B24_ADMIN_KEY" in page
    assert operator.post("/access/keys/revoke", page="/access", name="Anna").status_code == 303
    assert AccessKeys(managed.warehouse).all() == []
    assert "Anna" in operator.client.get("/access").text, "the audit forgets nothing"


def test_a_name_that_is_none_or_taken_is_said(managed: Managed, operator: Visitor) -> None:
    """The page comes again with what was typed, and says why."""
    new_key(managed, "viewer", name="Anna")
    for name in ("Anna", "", "<b>", "x" * 64):
        answer = operator.post("/access/keys", page="/access", name=name, role="manager")
        assert answer.status_code == 422, name
        assert 'role="alert"' in answer.text
        assert "<b>" not in answer.text
    assert len(AccessKeys(managed.warehouse).all()) == 1


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
