"""What a project says of files that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from b24_pipeline.errors import ModelError
from b24_pipeline.models import load_project
from tests.unit.models.conftest import write

WRONG_YML = """
models:
  - name: stg_deals
    columns:
      - name: id
        data_tests:
          - not_null
          - uniqe
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            WRONG_YML,
            "odd.yml: line 8: model stg_deals, column id: there is no test 'uniqe'; "
            "a test is accepted_values, not_null, relationships or unique",
        ),
        (
            "models:\n  - name: stg_deals\n    config:\n      contract: {enforced: true}",
            "odd.yml: line 4: model stg_deals: contract is not supported in config",
        ),
        (
            "models:\n  - name: stg_deals\n    config:\n      materialized: table",
            "odd.yml: line 4: model stg_deals: write materialized into config(...) of the model's own file",
        ),
        (
            "models:\n  - {name: stg_deals,\n     constraints: []}",
            "odd.yml: line 3: model stg_deals: constraints is not supported",
        ),
        (
            "models:\n  - name: stg_deals\n    data_tests:\n      - unique: {column_name: id, arguments: {to: 1}}",
            "odd.yml: line 4: model stg_deals: unique takes no arguments",
        ),
        (
            "sources:\n  - name: shop\n    tables: [{name: orders, columns: [], kind: 1}]",
            "odd.yml: line 3: source shop, table orders: kind is not supported",
        ),
        ("- a\n- b", "odd.yml: line 1: expected a mapping such as `models:`"),
    ],
)
def test_a_file_of_properties_says_where_it_is_wrong(folder: Path, text: str, told: str) -> None:
    """The line, the model and the column, and what there is instead."""
    write(folder, "models/marts/odd.yml", text)
    with pytest.raises(ModelError) as caught:
        load_project(folder)
    assert told in str(caught.value)


def test_all_files_that_are_wrong_are_named(folder: Path) -> None:
    """At once: whoever mends them need not start again for each."""
    write(folder, "models/marts/odd.yml", WRONG_YML)
    write(folder, "models/marts/a.sql", "{% for x in [1] %}{% endfor %}")
    write(folder, "models/marts/b.sql", "{{ config(materialized='ephemeral') }} select 1")
    with pytest.raises(ModelError) as caught:
        load_project(folder)
    found = str(caught.value)
    assert found.startswith("3 files are wrong: ") and "\n" not in found
    assert all(name in found for name in ("odd.yml: line 8", "a.sql: line 1", "b.sql: config("))
    (folder / "models/marts/odd.yml").unlink()
    write(folder, "models/marts/a.sql", "select * from {{ ref('nowhere') }}")
    write(folder, "models/marts/b.sql", "select * from {{ source('raw', 'nothing') }}")
    with pytest.raises(ModelError, match=r"2 files are wrong: .*ref\('nowhere'\).*; .*'nothing'"):
        load_project(folder)
