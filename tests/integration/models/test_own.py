"""Models of the operator's own, built after ours into a schema of their own."""

from __future__ import annotations

import re

import pytest

from b24_pipeline.errors import ModelError
from b24_pipeline.models import load_own_models, load_project
from tests.conftest import Server
from tests.integration.models.conftest import BY_OWNER, Own
from tests.support.installation import execute, fetch
from tests.support.printed import ROOT

OURS = load_project()


def test_they_follow_ours_and_are_left_alone_otherwise(own: Own) -> None:
    """Built at first, when a deal changed, when their own text changed, and not in between."""
    assert own.build() == ["by_portal"]
    before = own.deals()
    assert own.build() == []
    execute(
        own.warehouse,
        "update bitrix24_deals set deleted_at = now() where id = "
        "(select min(id) from bitrix24_deals where deleted_at is null and is_recurring is not true)",
    )
    assert own.build() == ["by_portal"]
    assert own.deals() < before
    own.write("top.sql", "select max(deals) as most from {{ ref('by_portal') }}")
    assert own.build() == ["by_portal", "top"]
    assert own.build() == []
    (comment,) = fetch(own.warehouse, "select obj_description('own_models.by_portal'::regclass) as text")
    assert comment == {"text": "Deals by portal."}


def test_one_that_is_gone_is_built_again(own: Own) -> None:
    """Whoever replaces a mart with cascade, as dbt does, drops what reads it."""
    own.write("live.sql", BY_OWNER)
    assert own.build() == ["by_portal", "live"]
    execute(own.warehouse, "drop view own_models.live")
    assert own.build() == ["by_portal", "live"]
    assert own.build() == []


def test_one_that_fails_stops_those_that_read_it_alone(own: Own) -> None:
    """Ours and the others are built; the next build tries again what failed."""
    own.write("a_broken.sql", "select no_such_column from {{ ref('fct_deal') }}")
    own.write("b_above.sql", "select * from {{ ref('a_broken') }}")
    for _ in range(2):
        with pytest.raises(ModelError, match="no_such_column"):
            own.build()
    built = fetch(
        own.warehouse, "select table_name from information_schema.tables where table_schema = 'own_models'"
    )
    assert built == [{"table_name": "by_portal"}]
    own.write("a_broken.sql", "select 1 as id")
    own.write("tests/nobody_is_there.sql", "select * from {{ ref('by_portal') }}")
    with pytest.raises(ModelError, match="nobody_is_there failed"):
        own.build()


def test_what_is_no_mart_and_what_is_ours_already_is_refused(own: Own) -> None:
    """Models below the marts may change with any version; two of one name would be taken for one another."""
    own.write("inner.sql", "select * from {{ ref('int_journey') }}")
    with pytest.raises(ModelError, match=r"ref\('int_journey'\) is no model of yours, and no mart"):
        load_own_models(own.folder, OURS)
    (own.folder / "inner.sql").unlink()
    own.write("fct_deal.sql", "select 1 as id")
    with pytest.raises(ModelError, match="fct_deal"):
        load_own_models(own.folder, OURS)
    with pytest.raises(ModelError, match="is no folder"):
        load_own_models(own.folder / "nowhere", OURS)


def test_roles_of_analysts_see_none_of_them(own: Own) -> None:
    """Not even those in a folder that is called marts: they may read raw tables."""
    own.write("marts/phones.sql", "select phones from {{ source('crm', 'contacts') }}")
    own.write(
        "sources.yml",
        "sources: [{name: crm, schema: public, tables: [{name: contacts, identifier: bitrix24_contacts}]}]",
    )
    assert own.build() == ["by_portal", "phones"]
    assert load_own_models(own.folder, OURS).models["phones"].is_mart is False


def test_they_can_be_read_as_the_page_says(own: Own, server: Server) -> None:
    """By the role that was given them, also one that is made later and one that is built anew."""
    page = (ROOT / "docs" / "analysts.md").read_text("utf-8")
    (given,) = re.findall(r"```sql\n(\s+grant usage on schema own_models.*?)```", page, re.DOTALL)
    assert own.build() == ["by_portal"]
    role = server.role("ann")
    for one in given.replace("own_models.x", "own_models.by_portal").replace(" ann;", f" {role};").split(";"):
        if one.strip():
            execute(own.warehouse, one)
    own.write("by_portal.sql", "{{ config(materialized='table') }} " + BY_OWNER + " order by portal")
    own.write("later.sql", "select count(*) as portals from {{ ref('by_portal') }}")
    assert own.build() == ["by_portal", "later"]
    for name in ("by_portal", "later"):
        allowed = f"select has_table_privilege('{role}', 'own_models.{name}', 'select') as may"
        assert fetch(own.warehouse, allowed) == [{"may": True}], name


def test_one_that_reads_how_far_was_read_is_built_each_time(own: Own) -> None:
    """Each read moves that, and no model of ours is outdated by it, which theirs may be."""
    own.write("read.sql", "{{ config(materialized='table') }} select * from {{ source('crm', 'cursors') }}")
    own.write(
        "sources.yml",
        "sources: [{name: crm, schema: public, tables: [{name: cursors, identifier: bitrix24_cursors}]}]",
    )
    assert own.build() == ["by_portal", "read"]
    assert own.build() == ["by_portal", "read"]
