"""Each chosen entity has a typed view in the portal's schema: what its rows have, and its custom fields."""

from __future__ import annotations

from b24_pipeline.sandbox import Sandbox
from tests.integration.sync.crm.items.conftest import choose, smart_names
from tests.support.expected.items import sandbox_name
from tests.support.frames import tuples
from tests.support.installation import Installation, worked


def test_chosen_entities_have_typed_views(installation: Installation, sandbox: Sandbox) -> None:
    """One row alive each, columns of their types, and none for what nobody chose."""
    portal = installation.add(sandbox)
    smart, other = smart_names(sandbox)[:2]
    names = ["invoice", "quote", smart]
    choose(installation, portal, *names)
    worked(installation.sync(portal))
    views = installation.rows(
        "select table_name from information_schema.views where table_schema = 'analytics_acme'"
    )
    assert {*names} <= {row["table_name"] for row in views}
    assert other not in {row["table_name"] for row in views}
    for name in names:
        truth = sandbox.truth.entities(sandbox_name(name)).set_index("id")
        found = installation.rows(f"select * from analytics_acme.{name}")
        assert {row["entity_id"] for row in found} == set(truth.index)
        for row in found:
            expected = truth.loc[row["entity_id"]]
            assert row["title"] == (expected["title"] or None)
            assert row["date_create"] == expected["createdTime"].to_pydatetime()


def test_custom_fields_of_items_are_typed(installation: Installation, sandbox: Sandbox) -> None:
    """Numbers are numbers, dates dates, and options are named by their words; a new field is a new column."""
    portal = installation.add(sandbox)
    name = smart_names(sandbox)[0]
    choose(installation, portal, name)
    worked(installation.sync(portal))
    fields = sandbox.truth.fields(sandbox_name(name))
    custom = fields[fields["custom"]]
    types = installation.rows(
        "select column_name, data_type from information_schema.columns "
        "where table_schema = 'analytics_acme' and table_name = %s",
        name,
    )
    by_column = {row["column_name"]: row["data_type"] for row in types}
    expected = {
        "double": "numeric",
        "date": "date",
        "boolean": "boolean",
        "datetime": "timestamp with time zone",
    }
    checked = 0
    for field in tuples(custom):
        if field.type in expected and not field.multiple:
            assert by_column[field.name.lower()] == expected[field.type], field.name
            checked += 1
    assert checked
    enumeration = next(field for field in tuples(custom) if field.type == "enumeration")
    words = installation.rows(f"select {enumeration.name.lower()} as word from analytics_acme.{name}")
    told = {
        str(word)
        for row in words
        for word in (row["word"] if isinstance(row["word"], list) else [row["word"]])
        if word
    }
    assert told and told <= set(enumeration.options.values())
    made = sandbox.add_user_field(sandbox_name(name), "ORDER_NO", "string", label="Order")
    worked(installation.sync(portal))
    found = installation.rows(
        "select column_name from information_schema.columns where table_schema = 'analytics_acme' "
        "and table_name = %s order by ordinal_position desc limit 1",
        name,
    )
    assert found == [{"column_name": made.name.lower()}]


def test_items_have_names_and_amounts_that_may_be_summed(
    installation: Installation, sandbox: Sandbox
) -> None:
    """Stage and pipeline by name, whether the stage is an end, and the amount in the account's currency."""
    portal = installation.add(sandbox)
    smart = smart_names(sandbox)[0]
    names = ["invoice", "quote", smart]
    choose(installation, portal, *names)
    worked(installation.sync(portal))
    rates = {
        row["currency"]: 1 if row["base"] else row["amount"] / row["amount_cnt"]
        for row in installation.rows("select * from bitrix24_currencies")
    }
    converted = set()
    for name in names:
        stages = {row.status_id: row for row in tuples(sandbox.truth.stages(sandbox_name(name)))}
        for row in installation.rows(f"select * from analytics_acme.{name}"):
            stage = stages[row["stage_id"]]
            assert row["stage_name"] == stage.name
            assert row["stage_semantics"] in ("process", "success", "failure")
            assert row["category_name"]
            rate, amount = rates.get(row["currency_id"]), row["opportunity"]
            expected = None if rate is None or amount is None else round(amount * rate, 2)
            assert row["opportunity_in_base"] == expected
            converted |= {row["currency_id"]} if expected else set()
    assert len(converted) > 1
    (comment,) = installation.rows(
        "select obj_description(to_regclass('analytics_acme.' || %s)) as told", smart
    )
    title = sandbox.truth.types().set_index("entity_type_id").loc[int(smart.removeprefix("item_")), "title"]
    assert comment["told"].startswith(f"{title!s}: ")
