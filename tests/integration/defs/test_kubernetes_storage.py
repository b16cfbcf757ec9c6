"""Dagster's storage as the values for its chart have it, beside our own class, on one real PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest
from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef
from psycopg.conninfo import conninfo_to_dict

from b24_pipeline.settings import settings
from b24_pipeline.store.database.dagster_schema import SCHEMA
from tests.support.installation import raw
from tests.support.kubernetes import instance_config, storage_config

OURS = {"storage": {"custom": {"module": "b24_pipeline.defs.instance.storage", "class": "OurStorage", "config": {}}}}


def test_the_chart_and_our_class_keep_one_state(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What commands report by our class is what Dagster's pods show, and all of it is in the schema `dagster`."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("B24_SECRET_KEYS", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
    settings.cache_clear()
    with DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path), overrides=OURS)) as ours:
        ours.add_dynamic_partitions("portals", ["acme"])
    server = conninfo_to_dict(database_url)
    said = storage_config()["run_storage"]["config"]["postgres_db"]["params"]
    params = {"options": said["options"], "host": server["host"]}
    place = {"username": server["user"], "hostname": "", "port": 5432, "db_name": server["dbname"], "params": params}
    chart = {**instance_config(), **storage_config(**place)}
    with DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path), overrides=chart)) as theirs:
        assert theirs.get_dynamic_partitions("portals") == ["acme"]
        theirs.add_dynamic_partitions("portals", ["globex"])
        assert theirs.run_coordinator.inst_data.class_name == "QueuedRunCoordinator"
        assert theirs.get_concurrency_config().run_queue_config.max_concurrent_runs == 6
    with DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path), overrides=OURS)) as ours:
        assert set(ours.get_dynamic_partitions("portals")) == {"acme", "globex"}
    with raw(database_url) as connection:
        found = connection.execute("select schemaname from pg_tables where tablename = 'runs'").fetchall()
    assert found == [(SCHEMA,)]
