"""What a project may be made of, and how it is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from b24_pipeline.errors import ModelError, UsageError
from b24_pipeline.models import Project, load_project, parted
from b24_pipeline.models.render import check_sql, model_sql
from tests.unit.models.conftest import PROJECT_YML, write


def test_the_bundled_project_describes_every_mart() -> None:
    """Each mart and its columns have a description, and no other model lacks one."""
    project = load_project()
    assert {"dim_pipeline", "dim_stage", "fct_lead", "fct_deal", "fct_stage_interval"} <= set(project.models)
    for model in project.models.values():
        assert model.description, model.name
        assert model.columns, model.name
        assert all(model.columns.values()), model.name


def test_models_are_ordered_by_what_they_read(folder: Path) -> None:
    """References and raw tables are read off the SQL."""
    write(folder, "models/marts/a.sql", "select * from {{ ref('z') }}")
    write(folder, "models/marts/z.sql", "select * from {{ ref('stg_deals') }}")
    project = load_project(folder)
    assert list(project.models) == ["stg_deals", "z", "a"]
    assert project.models["a"].depends_on == ("z",)
    assert project.models["stg_deals"].sources == ("public.bitrix24_deals",)
    assert [project.models[name].layer for name in project.models] == ["staging", "marts", "marts"]


@pytest.mark.parametrize(
    "text, reason",
    [
        ("{% macro m() %}{% endmacro %}", "Jinja's macro"),
        ("{% set x = 1 %}", "Jinja's assign"),
        ("{% for x in [1] %}{% endfor %}", "Jinja's for"),
        ("{% snapshot s %}{% endsnapshot %}", "unknown tag 'snapshot'"),
        ("{{ run_query('select 1') }}", "calling 'run_query'"),
        ("{{ dbt_utils.star('x') }}", "Jinja's getattr"),
        ("{{ target }}", "the name 'target'"),
        ("{{ ref('a') | upper }}", "Jinja's filter"),
        ("{{ ref('package', 'a') }}", "ref() with these arguments"),
        ("{{ ref('a', v=1) }}", "ref() with these arguments"),
        ("{{ var('pause', default='no') }}", "var() with these arguments"),
        ("{{ config(materialized='ephemeral') }}", "materialized='ephemeral'"),
        ("{{ config(materialized='incremental') }}", "needs a unique_key"),
        ("{{ config(pre_hook='select 1') }}", "config(pre_hook='select 1')"),
        ("{{ config(incremental_strategy='merge') }}", "config(incremental_strategy='merge')"),
        ("{{ config(indexes=[{'columns': ['id'], 'unique': true}]) }}", "config(indexes="),
        ("{{ ref('nowhere') }}", "ref('nowhere') is no model"),
        ("{{ source('raw', 'nothing') }}", "source('raw', 'nothing') is in no .yml file beside the models"),
        ("{{ var('unknown') }}", "var('unknown')"),
    ],
)
def test_what_we_do_not_support_is_named_with_its_file(folder: Path, text: str, reason: str) -> None:
    """A model means the same to dbt and to us, or it is not loaded."""
    write(folder, "models/marts/odd.sql", f"select 1 as id -- {text}")
    with pytest.raises(ModelError) as caught:
        load_project(folder)
    assert "odd.sql" in str(caught.value)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "name, text",
    [
        ("packages.yml", "packages: []"),
        ("macros/m.sql", "{% macro m() %}{% endmacro %}"),
        ("snapshots/s.sql", "select 1"),
        ("seeds/s.csv", "a\n1\n"),
        ("models/marts/odd.yml", "version: 2\nmetrica: []"),
        ("models/marts/odd.yml", "version: 2\nmodels: [{name: stg_deals, mata: {}}]"),
        ("models/marts/odd.yml", "version: 2\nmodels: [{name: stg_deals, config: {materialized: table}}]"),
        (
            "models/marts/odd.yml",
            "version: 2\nmodels: [{name: stg_deals, description: \"{{ doc('nowhere') }}\"}]",
        ),
        ("models/marts/odd.yml", "version: 2\nmodels: [{name: missing}]"),
        ("models/marts/odd.yml", "version: 2\nmodels: [{name: stg_deals, data_tests: [unique]}]"),
        (
            "models/marts/odd.yml",
            "version: 2\nmodels: [{name: stg_deals, columns: [{name: id, data_tests: [dbt_utils.at_least_one]}]}]",
        ),
        ("models/marts/odd.yml", "a: [b"),
        ("models/marts/stg_deals.sql", "select 1"),
        ("tests/t.sql", "select 1"),
        ("tests/t.sql", "{{ config(store_failures=true) }} select * from {{ ref('stg_deals') }}"),
        ("tests/t.sql", "{{ config(severity='fatal') }} select * from {{ ref('stg_deals') }}"),
        ("dbt_project.yml", PROJECT_YML + "on-run-start: select 1"),
        ("dbt_project.yml", PROJECT_YML + "models: {small: {staging: {+enabled: false}}}"),
        ("dbt_project.yml", PROJECT_YML + "models: {other: {}}"),
        (
            "dbt_project.yml",
            PROJECT_YML + "models: {small: {+persist_docs: {relation: false, columns: true}}}",
        ),
    ],
)
def test_other_parts_of_dbt_are_refused(folder: Path, name: str, text: str) -> None:
    """Anything beside models and tests, and any key that we would have to ignore, is an error."""
    write(folder, name, text)
    with pytest.raises(ModelError) as caught:
        load_project(folder)
    if name.endswith("odd.yml"):
        assert "odd.yml" in str(caught.value)


def test_a_variable_has_its_value_or_its_default(folder: Path) -> None:
    """That of dbt_project.yml first, as in dbt; without a default it has to be there."""
    text = "select {{ var('least', 1) }} as least, '{{ var('name', 'nobody') }}' as name"
    write(folder, "models/marts/least.sql", text)
    write(folder, "dbt_project.yml", PROJECT_YML + "vars: {least: 5}")
    project = load_project(folder)
    assert model_sql(project, project.models["least"]) == "select 5 as least, 'nobody' as name"


def test_a_source_is_in_the_schema_that_it_is_called_after(folder: Path) -> None:
    """Where none is written, as in dbt."""
    write(folder, "models/more.yml", "sources: [{name: shop, tables: [{name: orders}]}]")
    assert load_project(folder).sources["shop", "orders"].relation == "shop.orders"


METADATA_YML = """
version: 2
exposures: [{name: board, type: dashboard, owner: {name: Ann}}]
unit_tests: [{name: one, model: stg_deals}]
sources:
  - name: other
    schema: public
    loader: somebody
    freshness: {warn_after: {count: 1, period: day}}
    tables: [{name: plans, loaded_at_field: at, tags: [plan], columns: [{name: id}]}]
models:
  - name: stg_deals
    description: 'Deals. {{ doc("of_deals") }}'
    tags: [daily]
    meta: {owner: Ann}
    config: {tags: [daily], meta: {level: 1}}
    columns: [{name: id, data_type: bigint, description: '{{ doc("of_id") }}', tags: [key]}]
"""


def test_metadata_that_changes_nothing_is_read_over(folder: Path) -> None:
    """Tags, meta, exposures, unit tests, freshness; docs blocks become descriptions."""
    write(folder, "models/more.yml", METADATA_YML)
    write(
        folder,
        "models/texts.md",
        "{% docs of_deals %}\nAll of them.\n{% enddocs %}{% docs of_id %}Key.{% enddocs %}",
    )
    write(
        folder,
        "models/staging/stg_deals.sql",
        "{{ config(tags=['daily'], meta={'owner': 'Ann'}) }} select id from {{ source('raw', 'deals') }}",
    )
    project = load_project(folder)
    model = project.models["stg_deals"]
    assert (model.description, model.columns) == ("Deals. All of them.", {"id": "Key."})
    assert ("other", "plans") in project.sources


def test_a_circle_is_named(folder: Path) -> None:
    """The message goes once around."""
    write(folder, "models/marts/a.sql", "select * from {{ ref('b') }}")
    write(folder, "models/marts/b.sql", "select * from {{ ref('a') }}")
    with pytest.raises(ModelError, match="in a circle: a -> b -> a"):
        load_project(folder)


def test_is_incremental_chooses_the_branch(folder: Path) -> None:
    """`this`, `var` and `is_incremental` are what they are in dbt."""
    write(
        folder,
        "models/marts/m.sql",
        "{{ config(materialized='incremental', unique_key=['id']) }}\n"
        "select 1 as id {% if is_incremental() %} from {{ this }} where '{{ var('pause') }}' {% endif %}",
    )
    project = load_project(folder)
    model = project.models["m"]
    assert model_sql(project, model).split() == ["select", "1", "as", "id"]
    incremental = " ".join(model_sql(project, model, incremental=True).split())
    assert incremental == """select 1 as id from "analytics"."m" where '2 minutes'"""


def test_generic_tests_in_both_spellings(folder: Path) -> None:
    """`tests` and `data_tests`, arguments nested or not, as dbt's versions write them."""
    write(folder, "models/marts/m.sql", "select * from {{ ref('stg_deals') }}")
    write(
        folder,
        "models/marts/schema.yml",
        """
version: 2
models:
  - name: m
    columns:
      - name: id
        tests:
          - unique
          - accepted_values: {values: [it's, 2], config: {severity: warn}}
          - relationships: {arguments: {to: ref('stg_deals'), field: id}}
""",
    )
    project = load_project(folder)
    unique, accepted, relationships = project.models["m"].tests
    assert (unique.name, unique.severity, accepted.severity) == ("unique_m_id", "error", "warn")
    assert "not in ('it''s', 2)" in check_sql(project, accepted)
    assert 'from "analytics"."stg_deals" as parent' in check_sql(project, relationships)


def test_a_singular_test_belongs_to_the_last_model_that_it_reads(folder: Path) -> None:
    """It can be run only once all of them are built."""
    write(folder, "models/marts/m.sql", "select * from {{ ref('stg_deals') }}")
    write(folder, "tests/t.sql", "select * from {{ ref('m') }} join {{ ref('stg_deals') }} using (id)")
    project = load_project(folder)
    assert [test.name for test in project.models["m"].tests] == ["t"]


@pytest.fixture
def chain(folder: Path) -> Project:
    """stg_deals <- middle <- top."""
    write(folder, "models/intermediate/middle.sql", "select * from {{ ref('stg_deals') }}")
    write(folder, "models/marts/top.sql", "select * from {{ ref('middle') }}")
    return load_project(folder)


@pytest.mark.parametrize(
    "select, expected",
    [
        (None, ["stg_deals", "middle", "top"]),
        ("middle", ["middle"]),
        ("+middle", ["stg_deals", "middle"]),
        ("middle+", ["middle", "top"]),
        ("+middle+", ["stg_deals", "middle", "top"]),
        ("marts staging", ["stg_deals", "top"]),
        ("top middle", ["middle", "top"]),
    ],
)
def test_selection(chain: Project, select: str | None, expected: list[str]) -> None:
    """Names, layers, what is above, what is below; always in building order."""
    assert chain.selection(select) == expected


def test_a_selection_is_parted(chain: Project) -> None:
    """Into what names our models and what names the operator's; a name of neither is told with all that there are."""
    own = {"mine": replace(chain.models["top"], name="mine", layer="own", depends_on=())}
    assert parted("+top mine+ staging", chain.models, own) == ("+top staging", "mine+")
    assert parted("own", chain.models, own) == (None, "own")
    assert parted("top", chain.models, {}) == ("top", None)
    with pytest.raises(UsageError, match=r"'nothing'; known: .*mine"):
        parted("mine nothing", chain.models, own)


def test_an_unknown_name_is_wrong_usage(chain: Project) -> None:
    """The message lists what there is."""
    with pytest.raises(UsageError, match="'nothing'; known: staging, intermediate, marts, middle"):
        chain.selection("nothing")
