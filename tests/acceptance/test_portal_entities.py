"""`b24 portal entities` as a user runs it: what a portal has beside leads and deals, and which of it is read."""

from __future__ import annotations

import json

from b24_pipeline.sandbox import TO_TRY, Sandbox, SandboxConfig
from tests.acceptance.conftest import B24, connect
from tests.support.expected.items import assert_items_equal
from tests.support.installation import raw


def test_entities_are_listed_chosen_and_read(b24_here: B24, database_url: str) -> None:
    """Nothing is read at first; what is added is, and status announces the rest."""
    with Sandbox(SandboxConfig(leads=5, deals=5, smart_types=2, smart_items=60, invoices=70)) as sandbox:
        connect(b24_here, sandbox)
        listed = json.loads(b24_here("portal", "entities", "acme", "--json").stdout)["entities"]
        smart = [f"item_{number}" for number in sandbox.truth.types()["entity_type_id"]]
        told = {one["entity_type"]: (one["is_chosen"], one["in_portal"]) for one in listed}
        assert told.items() >= dict.fromkeys(smart, (False, 60)).items()
        assert told["invoice"] == (False, 70)
        costs = {one["entity_type"]: one["first_read"] for one in listed}
        assert costs["invoice"]["requests"] == 2
        assert "2 requests, about 1 s" in b24_here("portal", "entities", "acme").stdout
        assert b24_here("sync", "--no-models").returncode == 0
        for name in smart:
            assert name in b24_here("status").stderr
        added = b24_here("portal", "entities", "acme", "--add", "invoice", "--add", smart[0])
        assert added.returncode == 0, added.stderr
        assert "read" in added.stdout
        synced = b24_here("sync", "--no-models")
        assert synced.returncode == 0, synced.stderr
        assert smart[0] in synced.stdout and smart[1] not in synced.stdout
        for name in ("invoice", smart[0]):
            assert_items_equal(database_url, sandbox, name)
        assert (
            b24_here(
                "backfill",
                "acme",
                "--from",
                "2020-01-01",
                "--to",
                "2030-01-01",
                "-e",
                "invoice",
                "--no-models",
            ).returncode
            == 0
        )
        assert smart[0] not in b24_here("status").stderr
        removed = b24_here("portal", "entities", "acme", "--remove", smart[0])
        assert removed.returncode == 0, removed.stderr
        assert smart[0] not in b24_here("sync", "--no-models").stdout
        with raw(database_url) as connection:  # days later
            connection.execute(
                "update bitrix24_cursors set watermark = now() - interval '9 days' where entity_type = %s",
                (smart[0],),
            )
            connection.execute(
                "update bitrix24_sync_log set sync_status = 'failed' where entity_type = %s", (smart[0],)
            )
        assert smart[0] not in b24_here("doctor").stdout
        assert_items_equal(database_url, sandbox, smart[0])


def test_wrong_use_of_entities(b24_here: B24) -> None:
    """Exit 2, one line that says what there is; exit 1 where an entity was not chosen for a portal."""
    with Sandbox(SandboxConfig(leads=3, deals=3, smart_types=1)) as sandbox:
        connect(b24_here, sandbox)
        wrong = (
            ("acme", "--add", "deal"),
            ("acme", "--add", "item_7"),
            ("acme", "--add", "item_99999"),
            ("acme", "--add", "quote", "--remove", "quote"),
            ("nobody",),
        )
        for arguments in wrong:
            refused = b24_here("portal", "entities", *arguments)
            assert (refused.returncode, refused.stdout) == (2, ""), arguments
            assert len(refused.stderr.strip().splitlines()) == 1, refused.stderr
        asked = b24_here("sync", "acme", "-e", "quote", "--no-models")
        assert asked.returncode == 1
        assert "b24 portal entities acme --add quote" in asked.stderr + asked.stdout


def test_what_the_portal_refuses_is_not_chosen(b24_here: B24) -> None:
    """Exit 1 and one line that says what to do; nothing is chosen, not even what stands beside it."""
    with Sandbox(SandboxConfig(leads=3, deals=3, invoices=4)) as sandbox:
        connect(b24_here, sandbox)
        sandbox.set_quirks(forbidden_types=(31,))
        told = {
            "quote": "ENTITY_TYPE_NOT_SUPPORTED Entity type 7 is not supported (HTTP 200); "
            "`b24 portal entities acme` tells what the portal has",
            "invoice": "the credential's owner needs the right to it, and the plan must include REST; "
            "then choose it again",
        }
        for name, advice in told.items():
            refused = b24_here("portal", "entities", "acme", "--add", name)
            assert (refused.returncode, refused.stdout) == (1, "")
            (line,) = refused.stderr.strip().splitlines()
            assert line.startswith(
                f"b24: acme: {name} cannot be read, so it was not chosen: crm.item.list was refused: "
            )
            assert line.endswith(advice), line
        sandbox.set_quirks(forbidden_types=())
        assert b24_here("portal", "entities", "acme", "--add", "invoice", "--add", "quote").returncode == 1
        listed = json.loads(b24_here("portal", "entities", "acme", "--json").stdout)["entities"]
        assert not any(one["is_chosen"] for one in listed)
        assert b24_here("sync", "--no-models").returncode == 0


def test_doctor_says_how_to_leave_what_the_portal_refuses_now(b24_here: B24) -> None:
    """Another sync would fail like the last one; what it advises mends it."""
    with Sandbox(SandboxConfig(leads=3, deals=3, invoices=4)) as sandbox:
        connect(b24_here, sandbox)
        assert b24_here("portal", "entities", "acme", "--add", "invoice").returncode == 0
        assert b24_here("sync").returncode == 0
        sandbox.set_quirks(forbidden_types=(31,))
        assert b24_here("sync", "--no-models", "--full").returncode == 1
        findings = json.loads(b24_here("doctor", "--json").stdout)["findings"]
        failed = [one for one in findings if "the last sync of invoice" in one["problem"]]
        assert failed
        leave = "b24 portal entities acme --remove invoice"
        assert {one["advice"].partition(",")[0] for one in failed} == {leave}
        assert b24_here(*leave.split()[1:]).returncode == 0
        assert b24_here("sync", "--no-models").returncode == 0
        assert "invoice" not in b24_here("doctor").stdout


def test_what_is_there_to_try_costs_nothing(b24_here: B24) -> None:
    """A sync of a portal that has it asks for as much as one of a portal without it, and each of it can be chosen."""
    asked: dict[str, list[tuple[int, int]]] = {}
    for name, also in (("plain", {}), ("full", TO_TRY)):
        with Sandbox(SandboxConfig(leads=60, deals=60, identity=name, **also)) as sandbox:
            connect(b24_here, sandbox, name)
            for _ in range(2):
                sandbox.reset_stats()
                assert b24_here("sync", name, "--no-models").returncode == 0
                asked.setdefault(name, []).append((sandbox.stats.requests, sandbox.stats.commands))
            listed = json.loads(b24_here("portal", "entities", name, "--json").stdout)["entities"]
            if also:
                names = [argument for one in listed for argument in ("--add", one["entity_type"])]
                assert len(listed) == 4
                assert b24_here("portal", "entities", name, *names).returncode == 0
                assert b24_here("sync", name, "--no-models").returncode == 0
    assert asked["plain"] == asked["full"]
