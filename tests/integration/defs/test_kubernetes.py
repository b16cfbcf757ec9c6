"""Dagster in Kubernetes, as the values for its chart have it, on a real PostgreSQL: its storage and its UI."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest
from cryptography.fernet import Fernet
from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef
from psycopg.conninfo import conninfo_to_dict

from b24_pipeline.settings import settings
from b24_pipeline.store.database.dagster_schema import SCHEMA
from tests.support.installation import free_port, raw
from tests.support.kubernetes import FOLDER, instance_config, of_kind, storage_config

OWN_CLASS = {"module": "b24_pipeline.defs.instance.storage", "class": "OurStorage", "config": {}}
OURS = {"storage": {"custom": OWN_CLASS}}


@pytest.fixture
def own_database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database that the settings name."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("B24_SECRET_KEYS", Fernet.generate_key().decode())
    settings.cache_clear()
    yield database_url
    settings.cache_clear()


def instance(folder: Path, overrides: Mapping[str, object]) -> DagsterInstance:
    return DagsterInstance.from_ref(InstanceRef.from_dir(str(folder), overrides=overrides))


def test_the_chart_and_our_class_keep_one_state(own_database: str, tmp_path: Path) -> None:
    """What commands report by our class is what Dagster's pods show, and all of it is in the schema `dagster`."""
    with instance(tmp_path, OURS) as ours:
        ours.add_dynamic_partitions("portals", ["acme"])
    server = conninfo_to_dict(own_database)
    said = storage_config()["run_storage"]["config"]["postgres_db"]["params"]
    place = {"username": server["user"], "hostname": "", "port": 5432, "db_name": server["dbname"]}
    params = {"options": said["options"], "host": server["host"]}
    with instance(tmp_path, {**instance_config(), **storage_config(**place, params=params)}) as charts:
        assert charts.get_dynamic_partitions("portals") == ["acme"]
        charts.add_dynamic_partitions("portals", ["globex"])
        queue = charts.get_concurrency_config().run_queue_config
        assert queue
        assert queue.max_concurrent_runs == 6
    with instance(tmp_path, OURS) as ours:
        assert set(ours.get_dynamic_partitions("portals")) == {"acme", "globex"}
    with raw(own_database) as connection:
        found = connection.execute("select schemaname from pg_tables where tablename = 'runs'").fetchall()
    assert found == [(SCHEMA,)]


@pytest.mark.usefixtures("own_database")
def test_the_charts_command_starts_the_guarded_ui(tmp_path: Path) -> None:
    """By the PATH of the values bash finds our script, which serves the known hosts alone."""
    script = tmp_path / "ui" / "dagster-webserver"
    script.parent.mkdir()
    script.write_text(of_kind("ConfigMap")["b24-ui"]["data"][script.name])
    script.chmod(0o555)
    workspace = tmp_path / "workspace.yaml"
    workspace.write_text("load_from: []\n")
    (tmp_path / "dagster.yaml").write_text((FOLDER.parents[1] / "dagster.yaml").read_text())
    port = free_port()
    folders = [str(script.parent), str(Path(sys.executable).parent), os.environ["PATH"]]
    with subprocess.Popen(
        ["/bin/bash", "-c", f"dagster-webserver -h 127.0.0.1 -p {port} -w {workspace}"],
        cwd=FOLDER.parents[1],
        env={**os.environ, "PATH": os.pathsep.join(folders), "DAGSTER_HOME": str(tmp_path)},
    ) as serving:
        try:
            assert _asked(port, f"127.0.0.1:{port}", serving) == 200
            assert _asked(port, "dagster.example.com", serving) == 421
        finally:
            serving.terminate()


def _asked(port: int, host: str, serving: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + 60
    while True:
        try:
            url = f"http://127.0.0.1:{port}/server_info"
            return httpx.get(url, headers={"host": host}, trust_env=False, timeout=10).status_code
        except httpx.TransportError:
            assert serving.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.2)
