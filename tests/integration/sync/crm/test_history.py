"""Status history of a portal: all of it, what is new, and what the portal does not show."""

from __future__ import annotations

from datetime import date

import pytest

from b24_pipeline.entities import DEAL_HISTORY
from b24_pipeline.errors.groups import REFUSES_ENTITY
from b24_pipeline.sandbox import Fault, Sandbox, SandboxConfig
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.crm.history import load_history
from b24_pipeline.sync.crm.scope import Days
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.run import backfill_portals
from tests.support.expected.tables import assert_history_equal
from tests.support.installation import Installation, execute, worked

MOVES = "select count(*) as n from bitrix24_status_history"


def url_of(installation: Installation) -> str:
    return installation.warehouse.url.for_people(hide_password=False)


def test_new_moves_are_read_in_one_request(
    installation: Installation, sandbox: Sandbox, synced_portal: Portal
) -> None:
    """After the first sync only what is new is read, and everything is linked."""
    report = sandbox.change(30, kinds=("stage", "pipeline"))
    outcomes = worked(installation.sync(synced_portal))
    for entity in ("lead", "deal"):
        assert_history_equal(url_of(installation), sandbox, entity)
        assert outcomes[f"{entity}_history"].rows_changed == len(report.changed[entity])
        assert outcomes[f"{entity}_history"].requests == 0  # asked for in the opening
    assert installation.rows(f"{MOVES} where source <> 'history'") == [{"n": 0}]


def test_full_read_adds_nothing_to_what_is_known(
    installation: Installation, sandbox: Sandbox, synced_portal: Portal
) -> None:
    """Read again from the beginning, no move is stored twice and none is deleted."""
    before = installation.rows(MOVES)
    again = worked(installation.sync(synced_portal, entities=("status_history",), full=True))
    assert again["deal_history"].rows_read > 0
    assert again["deal_history"].rows_changed == again["lead_history"].rows_changed == 0
    assert installation.rows(MOVES) == before


def test_move_to_another_pipeline_that_the_portal_hides_is_inferred(installation: Installation) -> None:
    """Where only moves of the present pipeline are shown, what was known stays and what is seen is added."""
    config = SandboxConfig(leads=5, deals=40, history_current_pipeline_only=True)
    with Sandbox(config) as sandbox:
        portal = installation.add(sandbox)
        worked(installation.sync(portal))
        known = installation.rows(f"{MOVES} where entity_type = 'deal'")[0]["n"]
        sandbox.change(10, kinds=("pipeline",))
        worked(installation.sync(portal))
        assert installation.rows(f"{MOVES} where entity_type = 'deal'")[0]["n"] >= known + 10
    elsewhere = installation.rows(
        """
        select d.id from bitrix24_deals as d
        cross join lateral (
            select h.to_status_id, h.to_category_id from bitrix24_status_history as h
            where h.entity_type = 'deal' and h.entity_id = d.id
            order by h.changed_at desc, h.history_id desc nulls first, h.id desc limit 1
        ) as last
        where
            (d.stage_id, d.category_id) is distinct from (last.to_status_id, last.to_category_id)
            and d.is_recurring is not true
        """
    )
    assert elsewhere == []


def test_portal_without_history_gets_inferred_moves(installation: Installation, sandbox: Sandbox) -> None:
    """Each entity has at least the move into the stage where it stands."""
    portal = installation.add(sandbox)
    for entity in ("lead", "deal"):
        table = sandbox.portal.entity(entity).history
        assert table
        table.delete(table.alive_rows())
    worked(installation.sync(portal))
    inferred = installation.rows(f"{MOVES} where source = 'inferred'")[0]["n"]
    counted = installation.rows(
        "select (select count(*) from bitrix24_leads) + count(*) as n from bitrix24_deals where not is_recurring"
    )
    assert inferred == counted[0]["n"]
    again = worked(installation.sync(portal))
    assert again["deal_history"].rows_changed == 0


def test_deleted_entity_keeps_its_history(
    installation: Installation, sandbox: Sandbox, synced_portal: Portal
) -> None:
    """The portal forgets the moves with the entity; we do not."""
    before = installation.rows(MOVES)
    sandbox.change(5, kinds=("delete",))
    worked(installation.sync(synced_portal, full=True))
    assert installation.rows(MOVES) == before


def test_unreadable_moves_are_left_out_and_counted(installation: Installation, sandbox: Sandbox) -> None:
    """A poisoned row does not keep the others of its page from being stored."""
    portal = installation.add(sandbox)
    number = int(sandbox.truth.history("deal")["history_id"].iloc[0])
    sandbox.faults.add(
        Fault("mutate", "crm.stagehistory.list", ids=(number,), field="CREATED_TIME", value="0000-00-00")
    )
    outcome = worked(installation.sync(portal, entities=("status_history",)))["deal_history"]
    assert (outcome.rows_left_out, outcome.values_set_aside) == (1, 0)
    logged = "select rows_left_out from bitrix24_sync_log where entity_type = 'deal_history'"
    assert installation.rows(logged) == [{"rows_left_out": 1}]
    assert outcome.rows_read == len(sandbox.truth.history("deal"))
    assert installation.rows(f"{MOVES} where history_id = %s and entity_type = 'deal'", number) == [{"n": 0}]


def test_move_whose_pipeline_the_portal_leaves_out_is_stored(
    installation: Installation, sandbox: Sandbox
) -> None:
    """Its pipeline comes from the stage's code, so that no stay of the deal is lost."""
    portal = installation.add(sandbox)
    numbers = tuple(int(number) for number in sandbox.truth.history("deal")["history_id"])
    sandbox.faults.add(Fault("mutate", "crm.stagehistory.list", ids=numbers, field="CATEGORY_ID", value=None))
    outcome = worked(installation.sync(portal))["deal_history"]
    assert (outcome.rows_left_out, outcome.values_set_aside) == (0, 0)
    assert_history_equal(url_of(installation), sandbox, "deal")
    assert installation.rows(f"{MOVES} where source = 'inferred'") == [{"n": 0}]


def test_page_that_was_committed_late_is_not_overlooked(
    installation: Installation, sandbox: Sandbox, synced_portal: Portal
) -> None:
    """Rows stored by another process while moves were inferred are looked at the next time, however long it took."""
    number = int(sandbox.truth.entities("deal")["ID"].iloc[0])
    with installation.warehouse.connect() as connection:
        connection.execute(
            "update bitrix24_deals set stage_id = 'UC_LATE', moved_time = now() + interval '1 year', "
            "loaded_at = clock_timestamp() where id = %s",
            (number,),
        )
        for _ in range(2):
            worked(installation.sync(synced_portal, entities=("status_history",)))
        assert installation.rows(f"{MOVES} where to_status_id = 'UC_LATE'") == [{"n": 0}]
    worked(installation.sync(synced_portal, entities=("status_history",)))
    assert installation.rows(f"{MOVES} where to_status_id = 'UC_LATE'") == [{"n": 1}]


def test_backfill_of_moves_leaves_the_cursor_alone(installation: Installation, sandbox: Sandbox) -> None:
    """Moves of some days prove nothing about the others."""
    portal = installation.add(sandbox)
    days = Days(date(2020, 1, 1), date(2030, 1, 1))
    outcomes = backfill_portals(installation.connections, [portal], days, ("status_history",), Options())
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert_history_equal(url_of(installation), sandbox, "deal")
    cursors = "select last_id from bitrix24_cursors where entity_type = 'deal_history'"
    assert installation.rows(cursors) == []
    with installation.job(portal) as job:
        scope = Days(date(2020, 1, 1), date(2020, 1, 2)).scope("UTC")
        assert load_history(job, DEAL_HISTORY, scope).rows_read == 0


@pytest.mark.parametrize(
    ("error", "description"),
    [("ERROR_METHOD_NOT_FOUND", "Method not found!"), ("ACCESS_DENIED", "Access denied")],
)
def test_refused_history_keeps_no_move_from_being_inferred(
    installation: Installation, sandbox: Sandbox, error: str, description: str
) -> None:
    """Each stay that a sync sees is stored, the refusal is reported, and the check of stages follows all the same."""
    portal = installation.add(sandbox)
    sandbox.faults.add(
        Fault("command_error", "crm.stagehistory.list", error=error, description=description, status=400)
    )
    number = int(sandbox.truth.entities("lead")["ID"].iloc[0])
    stays = []
    for stage in ("IN_PROCESS", "PROCESSED"):
        sandbox.portal.clock.shift(60)
        sandbox.move("lead", number, stage)
        outcomes = installation.sync(portal)
        assert isinstance(outcomes["lead_history"].error, REFUSES_ENTITY)
        stays += installation.rows(
            "select to_status_id, source from bitrix24_status_history where entity_type = 'lead' "
            "and entity_id = %s order by changed_at desc limit 1",
            number,
        )
    assert stays == [
        {"to_status_id": "IN_PROCESS", "source": "inferred"},
        {"to_status_id": "PROCESSED", "source": "inferred"},
    ]
    checked = "select count(*) as n from bitrix24_sync_log where entity_type = 'agreement'"
    assert installation.rows(checked) == [{"n": 2}]


def test_passing_error_of_the_first_reading_infers_nothing(
    installation: Installation, sandbox: Sandbox
) -> None:
    """The portal is about to send all moves; a move inferred for each entity would only stand beside them."""
    portal = installation.add(sandbox)
    sandbox.faults.add(Fault("command_error", "crm.stagehistory.list", status=500))
    assert installation.sync(portal)["deal_history"].error
    assert installation.rows(MOVES) == [{"n": 0}]
    sandbox.faults.clear()
    worked(installation.sync(portal))
    assert installation.rows(f"{MOVES} where source = 'inferred'") == [{"n": 0}]


def test_clock_that_was_put_back_hides_no_stay(
    installation: Installation, sandbox: Sandbox, synced_portal: Portal
) -> None:
    """Inference has looked up to a moment to come: it looks at everything once, and then goes on from now."""
    execute(
        installation.warehouse,
        "update bitrix24_cursors set watermark = watermark + interval '1 hour' where entity_type ~ 'inference'",
    )
    numbers = [int(number) for number in sandbox.truth.entities("deal")["ID"].iloc[:2]]
    for number in numbers:
        execute(
            installation.warehouse,
            "update bitrix24_deals set stage_id = 'UC_LATE', moved_time = now() + interval '1 year', "
            "loaded_at = clock_timestamp() where id = %s",
            number,
        )
        worked(installation.sync(synced_portal, entities=("status_history",)))
    found = installation.rows(
        "select entity_id from bitrix24_status_history where to_status_id = 'UC_LATE' order by entity_id"
    )
    assert [row["entity_id"] for row in found] == sorted(numbers)


def test_moves_stored_since_the_last_load_are_linked_once_more(
    installation: Installation, sandbox: Sandbox, synced_portal: Portal
) -> None:
    """An event's drain and a killed load may have stored moves of one entity at once, and neither saw the other's."""
    execute(
        installation.warehouse,
        "update bitrix24_status_history set from_status_id = 'UC_WRONG', loaded_at = clock_timestamp()",
    )
    worked(installation.sync(synced_portal, entities=("status_history",)))
    for entity in ("lead", "deal"):
        assert_history_equal(url_of(installation), sandbox, entity)
