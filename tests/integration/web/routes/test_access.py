"""Who may call what: keys with a role, and keys for some portals."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from b24_pipeline.store.access.holder import ROLES, AccessRole
from b24_pipeline.store.access.keys import AccessKeys
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.web.assembly import assemble
from tests.integration.web.routes.conftest import Managed
from tests.support.installation import KEY as SECRET_KEY
from tests.support.installation import execute, fetch
from tests.support.servers.web_service import BEARER, parts_of

ADMIN = {
    ("POST", "/bitrix24/invitations"),
    ("DELETE", "/bitrix24/disconnect"),
    ("POST", "/bitrix24/pause"),
    ("POST", "/bitrix24/resume"),
    ("POST", "/bitrix24/entity-type"),
    ("PATCH", "/bitrix24/entities/{entity}"),
    ("GET", "/bitrix24/audit"),
    ("GET", "/bitrix24/access-keys"),
    ("POST", "/bitrix24/access-keys"),
    ("DELETE", "/bitrix24/access-keys/{name}"),
}
OF_NO_PORTAL = {call for call in ADMIN if "access-keys" in call[1]}


def management_calls() -> list[tuple[str, str]]:
    """Every call behind a key: its verb and path."""
    described = assemble(parts_of()).openapi()["paths"]
    return sorted(
        (verb.upper(), path)
        for path, calls in described.items()
        for verb, call in calls.items()
        if "security" in call and not {"connect", "health"} & {*call["tags"]}
    )


CALLS = management_calls()


@pytest.fixture
def keys(managed: Managed) -> Iterator[AccessKeys]:
    """The keys of the service, none at first; beside the portal acme there is globex."""
    managed.add("globex")
    yield AccessKeys(managed.warehouse)
    execute(managed.warehouse, "delete from bitrix24_access_keys")


def made(managed: Managed, role: AccessRole, *portals: str) -> dict[str, str]:
    """The header of a new key."""
    known = Portals(managed.warehouse, Vault(SECRET_KEY))
    key = AccessKeys(managed.warehouse).add(
        f"{role} {uuid4()}", role, known.named(portals) if portals else ()
    )
    return {"Authorization": f"Bearer {key}"}


def call(
    managed: Managed, verb: str, path: str, headers: dict[str, str], account: str = "acme"
) -> httpx.Response:
    """The call with some identifier in its path, and no body."""
    filled = path.format(stage=uuid4(), direction=uuid4(), name=uuid4(), entity="invoice")
    return managed.client.request(verb, filled, params={"account": account}, headers=headers)


def needed(verb: str, path: str) -> AccessRole:
    """The role that a call needs: written down here once more, apart from the code."""
    return "admin" if (verb, path) in ADMIN else "viewer" if verb == "GET" else "manager"


def test_all_calls_are_known() -> None:
    """Those that only an admin may make are among the calls that there are."""
    assert len(CALLS) >= 17
    assert set(CALLS) >= ADMIN


@pytest.mark.parametrize(("verb", "path"), CALLS)
def test_a_role_suffices_or_is_refused(managed: Managed, keys: AccessKeys, verb: str, path: str) -> None:
    """A role below the one that is needed gets 403 before the body is looked at; the others do not."""
    for role in ROLES:
        answer = call(managed, verb, path, made(managed, role))
        is_too_low = ROLES.index(role) < ROLES.index(needed(verb, path))
        assert (answer.status_code == 403) is is_too_low, (role, answer.text)
        if is_too_low:
            assert answer.json()["error"] == "role_too_low"
            assert needed(verb, path) in answer.json()["message"]


@pytest.mark.parametrize(("verb", "path"), sorted(set(CALLS) - OF_NO_PORTAL))
def test_for_a_limited_key_no_other_portal_exists(
    managed: Managed, keys: AccessKeys, verb: str, path: str
) -> None:
    """Another portal's name is answered as one that there is none of, and no answer names it."""
    header = made(managed, "admin", "globex")
    body = {"account": "acme", "domain": "acme.bitrix24.com"} if path.endswith("invitations") else None
    answer = managed.client.request(
        verb,
        path.format(stage=uuid4(), direction=uuid4(), name=uuid4(), entity="invoice"),
        params={"account": "acme"},
        headers=header,
        json=body,
    )
    assert (answer.status_code, answer.json()["error"]) == (404, "unknown_portal")
    assert answer.json()["message"] == "no portal is called 'acme'; connected: globex"
    unknown = call(managed, verb, path, header, account="nobody")
    if not path.endswith("invitations"):
        assert unknown.json()["message"] == "no portal is called 'nobody'; connected: globex"
    assert managed.asked.calls == []


def test_a_limited_key_needs_no_account_where_it_sees_one_portal(managed: Managed, keys: AccessKeys) -> None:
    """Two portals are connected, but for this key only one."""
    assert managed.client.get("/bitrix24/status", headers=BEARER).json()["error"] == "account_needed"
    seen = managed.client.get("/bitrix24/status", headers=made(managed, "viewer", "globex"))
    assert seen.json()["account"] == "globex"


def test_a_purged_portal_leaves_its_key_with_nothing(managed: Managed, keys: AccessKeys) -> None:
    """A key for one portal does not become a key for all when that portal is purged."""
    header = made(managed, "viewer", "globex")
    execute(managed.warehouse, "delete from user_accounts where name = 'globex'")
    assert managed.client.get("/bitrix24/status", headers=header).json()["connected"] is False
    assert call(managed, "GET", "/bitrix24/pipelines", header).json()["error"] == "unknown_portal"


def test_a_revoked_key_opens_nothing(managed: Managed, keys: AccessKeys) -> None:
    """From the next request on; its name may be given again, and the new key is another."""
    first = keys.add("Anna", "viewer")
    header = {"Authorization": f"Bearer {first}"}
    assert call(managed, "GET", "/bitrix24/pipelines", header).status_code == 200
    keys.revoke("anna")
    answer = call(managed, "GET", "/bitrix24/pipelines", header)
    assert (answer.status_code, answer.json()["error"]) == (401, "key_refused")
    assert keys.add("Anna", "viewer") != first
    assert call(managed, "GET", "/bitrix24/pipelines", header).status_code == 401


def test_unknown_keys_are_bounded(managed: Managed, keys: AccessKeys) -> None:
    """Each key that could be one costs a query, so that an address has sixty a minute; the operator's costs none."""
    invented = {"Authorization": "Bearer b24_" + "A" * 43}
    answers = [call(managed, "GET", "/bitrix24/pipelines", invented).status_code for _ in range(61)]
    assert answers == [401] * 60 + [429]
    assert (
        call(managed, "GET", "/bitrix24/pipelines", {"Authorization": "Bearer nonsense"}).status_code == 401
    )
    assert call(managed, "GET", "/bitrix24/pipelines", BEARER).status_code == 200


def test_the_key_itself_is_nowhere(managed: Managed, keys: AccessKeys) -> None:
    """The database has a digest and when the key was used last, to the minute."""
    key = keys.add("bot", "manager")
    assert fetch(managed.warehouse, "select last_used_at from bitrix24_access_keys") == [
        {"last_used_at": None}
    ]
    for _ in range(2):
        call(managed, "GET", "/bitrix24/pipelines", {"Authorization": f"Bearer {key}"})
    (row,) = fetch(
        managed.warehouse, "select access_key::text as stored, xmin from bitrix24_access_keys as access_key"
    )
    assert key not in row["stored"] and key.removeprefix("b24_") not in row["stored"]
    call(managed, "GET", "/bitrix24/pipelines", {"Authorization": f"Bearer {key}"})
    (again,) = fetch(managed.warehouse, "select xmin from bitrix24_access_keys")
    assert again["xmin"] == row["xmin"]


def test_figures_of_all_portals_need_a_key_for_all(managed: Managed, keys: AccessKeys) -> None:
    """With a key `/metrics` names portals: a viewer of all may see them, whoever sees some may not."""
    assert managed.client.get("/metrics", headers=made(managed, "viewer")).status_code == 200
    answer = managed.client.get("/metrics", headers=made(managed, "admin", "acme"))
    assert (answer.status_code, answer.json()["error"]) == (403, "role_too_low")


def test_keys_are_managed_by_an_admin_for_all_portals(managed: Managed, keys: AccessKeys) -> None:
    """Made, listed without what would let somebody use them, and revoked at once; not by an admin of one portal."""
    wanted = {"name": "Anna", "role": "viewer", "portals": ["globex"]}
    made_now = managed.client.post("/bitrix24/access-keys", json=wanted, headers=BEARER).json()
    assert keys.holder(made_now["key"])
    listed = managed.client.get("/bitrix24/access-keys", headers=BEARER)
    (only,) = listed.json()["keys"]
    assert (only["name"], only["role"], only["portals"], only["isLimited"]) == (
        "Anna",
        "viewer",
        ["globex"],
        True,
    )
    assert made_now["key"] not in listed.text
    assert managed.client.post("/bitrix24/access-keys", json=wanted, headers=BEARER).status_code == 409
    unknown = wanted | {"name": "Boris", "portals": ["nobody"]}
    assert managed.client.post("/bitrix24/access-keys", json=unknown, headers=BEARER).status_code == 404
    limited = made(managed, "admin", "globex")
    for verb, path in OF_NO_PORTAL:
        answer = managed.client.request(verb, path.format(name="Anna"), json=unknown, headers=limited)
        assert (answer.status_code, answer.json()["error"]) == (403, "role_too_low")
    assert managed.client.delete("/bitrix24/access-keys/Anna", headers=BEARER).status_code == 200
    assert keys.holder(made_now["key"]) is None
    assert managed.client.delete("/bitrix24/access-keys/Anna", headers=BEARER).status_code == 404
