"""What counts, set by pages: flags of stages, conditions of qualification, key stages; tried before they are saved."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from b24_pipeline.store.crm.stage_flags import Stage, StageFlags
from b24_pipeline.store.own_leads.directions import Directions
from b24_pipeline.store.qualification import evaluation
from tests.conftest import Server
from tests.support.installation import execute, fetch
from tests.support.servers.pages_site import PagesSite, Visit, pages_site, text_of

FIELD = "UF_CRM_1700000000"


@pytest.fixture(scope="module")
def site(server: Server) -> Iterator[PagesSite]:
    """One for all tests of the module; each leaves flags and conditions as they were."""
    with pages_site(server) as opened:
        yield opened


@pytest.fixture
def manager(site: PagesSite) -> Iterator[Visit]:
    """Somebody who may change what is counted."""
    with site.visit(site.key("Maria", "manager")) as visit:
        yield visit
    execute(site.warehouse, "delete from bitrix24_access_keys")


def stages(site: PagesSite) -> list[Stage]:
    """The stages of the portal's deals."""
    account = site.portals.one(site.portal).id
    return [stage for stage in StageFlags(site.warehouse).stages(account) if stage.entity_type == "deal"]


def figure(site: PagesSite, query: str) -> int:
    """A number of the marts, of the portal's deals."""
    (row,) = fetch(site.warehouse, query, site.portal)
    found: int = row["n"]
    return found


WON = "select count(*) as n from analytics.fct_deal where portal = %s and is_won"
QUALIFIED = "select count(*) as n from analytics.fct_deal where portal = %s and is_qualified"


def test_what_a_flag_changes_is_shown_before_it_is_saved(site: PagesSite, manager: Visit) -> None:
    """The numbers of the preview are those of the marts, before and, once it is saved and built, after."""
    path = f"/p/{site.portal}/stages"
    stage = next(one for one in stages(site) if not one.is_success_stage and not one.is_qualified_stage)
    form = {"flag": [f"{stage.id}:is_qualified", f"{stage.id}:is_success"]}
    before = figure(site, QUALIFIED), figure(site, WON)
    shown = text_of(manager.post(f"{path}/preview", path, **form).text)
    found = re.search(r"Qualified (\d+) → (\d+) Won (\d+) → (\d+)", shown)
    assert found, shown
    assert (int(found[1]), int(found[3])) == before
    assert not next(one for one in stages(site) if one.id == stage.id).is_success_stage, (
        "nothing is saved yet"
    )
    assert manager.post(path, path, **form).status_code == 303
    site.build()
    assert (figure(site, QUALIFIED), figure(site, WON)) == (int(found[2]), int(found[4]))
    assert manager.post(path, path, was=form["flag"]).status_code == 303
    site.build()
    assert (figure(site, QUALIFIED), figure(site, WON)) == before
    (noted, *_) = fetch(
        site.warehouse, "select changed_by, what from bitrix24_audit order by id desc limit 1"
    )
    assert noted == {"changed_by": "Maria", "what": "stage flags"}


def ticked(page: str) -> list[str]:
    """The flags that are ticked on a page."""
    return [one for one, rest in re.findall(r'name="flag" value="([^"]+)"([^>]*)', page) if "checked" in rest]


def test_all_ticks_are_tried_and_saved_together(site: PagesSite, manager: Visit) -> None:
    """Of leads and deals; what somebody else has set meanwhile stays, and a tick that is taken away counts as well."""
    path, account = f"/p/{site.portal}/stages", site.portals.one(site.portal).id
    flags = StageFlags(site.warehouse)
    page = manager.get(path).text
    before = ticked(page)
    assert before == re.findall(r'name="was" value="([^"]+)"', page)
    assert page.count('action="/p/') == 1, "one form for all stages"
    of_deals = [one for one in stages(site) if not one.is_qualified_stage and not one.is_fail_stage]
    lead = next(
        one for one in flags.stages(account) if one.entity_type == "lead" and not one.is_qualified_stage
    )
    new = [f"{one.id}:is_qualified" for one in (*of_deals[:2], lead)]
    gone = next(one for one in before if one.endswith(":is_success"))
    wanted = [one for one in [*before, *new] if one != gone]
    shown = manager.post(f"{path}/preview", path, flag=wanted, was=before)
    assert sorted(ticked(shown.text)) == sorted(wanted)
    assert text_of(shown.text).count("not saved yet") == 4
    assert {"Leads", "Deals"} <= {one.partition(":")[0] for one in re.findall(r"<h3>([^<]+)", shown.text)}
    assert ticked(manager.get(path).text) == before, "nothing is saved yet"
    other = f"{of_deals[2].id}:is_qualified"
    assert manager.post(path, path, flag=[other]).status_code == 303
    assert manager.post(path, path, flag=wanted, was=before).status_code == 303
    assert sorted(ticked(manager.get(path).text)) == sorted([*wanted, other])
    again = manager.post(f"{path}/preview", path, flag=wanted, was=wanted)
    assert "Nothing would change" in text_of(again.text)
    assert manager.post(path, path, flag=[gone], was=[*new, other]).status_code == 303
    assert ticked(manager.get(path).text) == before


@pytest.mark.parametrize(
    ("code", "status"), [("x:is_fail", 400), ("{stage}:role", 400), ("{other}:is_fail", 404)]
)
def test_what_is_no_flag_changes_nothing(site: PagesSite, manager: Visit, code: str, status: int) -> None:
    """A form that was made by hand: none of it is saved."""
    path, before = f"/p/{site.portal}/stages", stages(site)
    good = next(f"{one.id}:is_qualified" for one in before if not one.is_qualified_stage)
    bad = code.format(stage=before[0].id, other=uuid4())
    for action in (f"{path}/preview", path):
        assert manager.post(action, path, flag=[good, bad]).status_code == status
    assert stages(site) == before


def test_a_stage_is_not_won_and_lost(site: PagesSite, manager: Visit) -> None:
    """Both at once are refused, in the preview too, and nothing changes."""
    path, before = f"/p/{site.portal}/stages", stages(site)
    both = [f"{before[0].id}:is_success", f"{before[0].id}:is_fail"]
    kept = [*both, f"{before[1].id}:is_qualified"]
    for action in (f"{path}/preview", path):
        answer = manager.post(action, path, flag=kept)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
        assert set(kept) <= set(ticked(answer.text)), "what was ticked stays"
    assert stages(site) == before


def test_a_viewer_sees_the_settings_and_changes_none(site: PagesSite) -> None:
    """There are no buttons, and a form that is sent all the same is refused."""
    with site.visit(site.key("Viktor", "viewer")) as visit:
        for name in ("stages", "qualification", "key-stages"):
            page = visit.get(f"/p/{site.portal}/{name}")
            assert page.status_code == 200
            assert "Save" not in text_of(page.text)
            answer = visit.post(f"/p/{site.portal}/{name}", "/portals", stage=str(stages(site)[0].id))
            assert (answer.status_code, answer.json()["error"]) == (403, "role_too_low")
    execute(site.warehouse, "delete from bitrix24_access_keys")


@pytest.fixture
def field(site: PagesSite) -> Iterator[dict[str, str]]:
    """A custom field of deals with a list, which every third deal has set."""
    execute(
        site.warehouse,
        "insert into bitrix24_fields (user_account_id, entity_type, portal_field_id, field_name, field_type, label,"
        " is_custom, enumeration_values) select id, 'deal', 7, %s, 'enumeration', 'Budget', true,"
        """ '[{"id": "44", "value": "large"}, {"id": "45", "value": "small"}]' from user_accounts where name = %s""",
        FIELD,
        site.portal,
    )
    execute(
        site.warehouse,
        "update bitrix24_deals set"
        " custom_fields = jsonb_build_object(%s::text, case when id %% 3 = 0 then 44 else 45 end),"
        " loaded_at = clock_timestamp() where user_account_id = (select id from user_accounts where name = %s)",
        FIELD,
        site.portal,
    )
    yield {"field1": f"deal:{FIELD}", "value1": "44"}
    execute(site.warehouse, "delete from bitrix24_fields where field_name = %s", FIELD)


def conditions(site: PagesSite) -> list[dict[str, Any]]:
    """The stored conditions of the portal."""
    account = site.portals.one(site.portal).id
    return [one.essence for one in site.warehouse.transact(evaluation.conditions_of, account)]


def test_conditions_are_tried_saved_and_cleared(
    site: PagesSite, manager: Visit, field: dict[str, str]
) -> None:
    """How many would qualify is what it is once the conditions are saved; trying leaves nothing behind."""
    path = f"/p/{site.portal}/qualification"
    log = "select count(*) as n from bitrix24_qualification"
    (before,) = fetch(site.warehouse, log)
    shown = text_of(manager.get(path, **{"from": "", "to": ""}, **field).text)
    (expected,) = fetch(
        site.warehouse,
        "select count(*) as n, count(*) filter (where id %% 3 = 0) as large from bitrix24_deals"
        " where user_account_id = (select id from user_accounts where name = %s)"
        " and deleted_at is null and is_recurring is not true",
        site.portal,
    )
    sentence = f"{expected['large']} of {expected['n']} deals created in these days are qualified"
    assert sentence in shown
    assert "not saved yet" in shown
    assert fetch(site.warehouse, log) == [before]
    assert conditions(site) == []
    assert manager.post(f"{path}?from=&to=", path, **field).status_code == 303
    assert [(one["field_name"], one["wanted"]) for one in conditions(site)] == [(FIELD, "44")]
    assert sentence in text_of(manager.get(path, **{"from": "", "to": ""}).text)
    assert manager.post(path, path, clear="yes").status_code == 303
    assert conditions(site) == []


def test_a_condition_that_is_not_complete_says_what_is_missing(
    site: PagesSite, manager: Visit, field: dict[str, str]
) -> None:
    """A value, a text, or a field that the portal has: no button saves it, and a form that does is refused."""
    execute(
        site.warehouse,
        "insert into bitrix24_fields (user_account_id, entity_type, portal_field_id, field_name, field_type, label,"
        " is_custom) select id, 'deal', 8, %s, 'string', 'Note', true from user_accounts where name = %s",
        f"{FIELD}9",
        site.portal,
    )
    path, save = f"/p/{site.portal}/qualification", "Save these conditions"
    for given, said in (
        ({"field1": field["field1"]}, "Choose the value that the field must have."),
        ({"field1": f"deal:{FIELD}9", "value1": "  "}, "Enter the text that the field must have."),
        (
            {"field1": "deal:UF_NOSUCH", "value1": "1"},
            "The portal does not have this field: choose another one.",
        ),
        ({"field1": "x" * 500}, "The portal does not have this field: choose another one."),
        ({"field1": field["field1"], "value1": "44", "field3": f"deal:{FIELD}9"}, "Enter the text"),
    ):
        shown = manager.get(path, **given)
        assert (shown.status_code, said in shown.text, save in shown.text) == (200, True, False), given
        refused = manager.post(path, path, **given)
        assert (refused.status_code, said in refused.text) == (422, True), given
        assert given["field1"] in refused.text, "what was chosen stays"
        assert conditions(site) == []
    assert save in manager.get(path, **field).text
    execute(site.warehouse, "delete from bitrix24_fields where field_name = %s", f"{FIELD}9")


def test_key_stages_are_set_by_direction(site: PagesSite, manager: Visit) -> None:
    """Three at most, all different, all of leads or all of deals; a direction needs a name of its own."""
    path = f"/p/{site.portal}/key-stages"
    account = site.portals.one(site.portal).id
    assert manager.post(f"{path}/directions", path, name=" Flats ").status_code == 303
    direction = next(one for one in Directions(site.warehouse).all(account) if one.name == "Flats")
    deal = [f"deal:{stage.category_id}:{stage.status_id}" for stage in stages(site)]
    lead = "lead:0:C0:S0"
    saved = {"direction": str(direction.id), "stage1": deal[0], "stage3": deal[1]}
    assert manager.post(path, path, **saved).status_code == 303
    page = text_of(manager.get(path).text)
    assert "Flats set" in page
    for refused in (
        {"stage1": deal[0], "stage2": deal[0]},
        {"stage1": deal[0], "stage2": lead},
        {"stage1": "deal:0:NOSUCH"},
        {"stage1": "nonsense"},
    ):
        answer = manager.post(path, path, direction=str(direction.id), **refused)
        assert answer.status_code == 422, refused
        assert 'role="alert"' in answer.text
    for name in ("Flats", "", "  "):
        assert manager.post(f"{path}/directions", path, name=name).status_code == 422
    (kept,) = [one for one in Directions(site.warehouse).all(account) if one.name == "Flats"]
    assert [f"deal:{one.category_id}:{one.status_id}" for one in kept.key_stages] == deal[:2]


def test_a_deleted_key_stage_stays_until_another_is_chosen(site: PagesSite, manager: Visit) -> None:
    """The form offers what the portal has deleted too, chosen, so that saving another place does not drop it."""
    path, account = f"/p/{site.portal}/key-stages", site.portals.one(site.portal).id
    directions = Directions(site.warehouse)
    direction = directions.add(account, "Garages")
    stage, other = stages(site)[:2]
    code, second = (f"deal:{one.category_id}:{one.status_id}" for one in (stage, other))
    directions.set_key_stages(account, direction.id, "deal", [(stage.category_id, stage.status_id)])
    mark = "update bitrix24_pipeline_stages set deleted_at = {} where id = %s"
    execute(site.warehouse, mark.format("clock_timestamp()"), stage.id)
    try:
        form = manager.get(path).text.partition("Garages")[2].partition("</section>")[0]
        assert re.findall(r'<option value="([^"]+)" selected>.*\(deleted\)<', form) == [code]
        assert manager.post(path, path, direction=str(direction.id), stage1=code, stage2=second).is_redirect
        (kept,) = [one for one in directions.all(account) if one.id == direction.id]
        assert [one.status_id for one in kept.key_stages] == [stage.status_id, other.status_id]
    finally:
        execute(site.warehouse, mark.format("null"), stage.id)


def test_a_value_that_is_still_to_be_chosen_is_no_mistake(
    site: PagesSite, manager: Visit, field: dict[str, str]
) -> None:
    """It becomes one when the form was sent without it."""
    path = f"/p/{site.portal}/qualification"
    chosen = manager.get(path, field1=field["field1"]).text
    assert "Choose the value that the field must have." in text_of(chosen)
    assert 'role="alert"' not in chosen
    sent = manager.post(path, path, field1=field["field1"])
    assert sent.status_code == 422
    assert '<p class="bad" role="alert">Choose the value' in sent.text
