"""What Dagster's catalogue shows before anything has run."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from b24_pipeline.definitions import defs
from b24_pipeline.defs.assets.catalogue import code_version
from b24_pipeline.defs.assets.models import project
from b24_pipeline.defs.assets.raw_tables import COHORT_TABLES, PORTAL_TABLES


def test_the_catalogue_is_filled_before_the_first_run() -> None:
    """Layer, table, columns, file and what refreshes it are on the definitions, so that they are seen at once."""
    graph = defs.resolve_asset_graph()
    nodes = {key.to_user_string(): graph.get(key) for key in graph.get_all_asset_keys()}
    jobs = {str(one.name) for one in defs.jobs or ()}
    for name, node in nodes.items():
        assert not node.owners, name  # who answers for it a deployment says by a translation
        assert re.search(r"Refreshed by .*`", str(node.description)), name
        assert set(re.findall(r"job `(\w+)`", str(node.description))) <= jobs, name
        assert node.kinds, name
        assert node.tags["layer"] == node.group_name, name
        tables = str(node.metadata.get("dagster/table_name", "")).split(".")
        assert name == "raw/changes" or (len(tables) == 3 and all(tables)), name
        assert name == "raw/changes" or node.metadata["dagster/column_schema"].columns, name
    for name, model in project.models.items():
        node = nodes[name]
        (reference,) = node.metadata["dagster/code_references"].code_references
        assert Path(reference.file_path) == model.path
        columns = node.metadata["dagster/column_schema"].columns
        assert {column.name for column in columns} == set(model.columns)
        assert node.code_version == code_version(model)
        assert node.code_version != code_version(replace(model, sql=model.sql + " "))
    assert "date_create" in [
        column.name for column in nodes["raw/deals"].metadata["dagster/column_schema"].columns
    ]


def test_what_is_read_on_time_is_fresh() -> None:
    """Tables that are reported with each read have a limit; models are reported when they change alone."""
    graph = defs.resolve_asset_graph()
    fresh = {
        key.to_user_string()
        for key in graph.get_all_asset_keys()
        if graph.get(key).freshness_policy_or_from_metadata
    }
    assert fresh == {"raw/changes"} | {
        table.key.to_user_string() for table in (*COHORT_TABLES, *PORTAL_TABLES)
    }
