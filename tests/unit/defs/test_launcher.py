"""Where runs begin: beside Dagster, or at workers by way of a broker."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef
from dagster._core.launcher import DefaultRunLauncher, RunLauncher

from b24_pipeline.commands.dagster_home import dagster_home
from b24_pipeline.commands.worker import RUNS
from b24_pipeline.defs.instance.broker import broker_name, celery_config, require_packages
from b24_pipeline.errors import SettingsError
from b24_pipeline.paths import bundled
from b24_pipeline.settings import read_settings, settings

REDIS = "redis://:c4n4ry@10.0.0.5:6380/0"
RABBIT = "amqp://b24:c4n4ry@broker.example.com//"


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Those of each test, read anew."""
    monkeypatch.delenv("B24_BROKER_URL", raising=False)
    settings.cache_clear()
    yield
    settings.cache_clear()


def launcher() -> RunLauncher:
    """The one that dagster.yaml names, with the settings of now."""
    ref = InstanceRef.from_dir("/nowhere", config_dir=str(bundled("dagster.yaml").parent))
    found = ref.run_launcher
    assert found
    return found


def test_without_a_broker_runs_begin_where_dagster_is() -> None:
    """By Dagster's own launcher."""
    assert isinstance(launcher(), DefaultRunLauncher)


@pytest.mark.parametrize("url", [REDIS, RABBIT])
def test_a_broker_gets_the_runs_and_keeps_no_results(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """A run is acknowledged when it begins; whether it lives is not asked of the broker."""
    from b24_pipeline.defs.instance.celery_launcher import CeleryLauncher

    monkeypatch.setenv("B24_BROKER_URL", url)
    found = launcher()
    assert isinstance(found, CeleryLauncher)
    assert not found.supports_check_run_worker_health
    assert not found.supports_resume_run
    assert found.celery.conf.broker_url == url
    assert found.celery.conf.task_acks_late is False
    assert found.celery.backend.as_uri() == "disabled://"


@pytest.mark.parametrize(("broker", "seconds"), [(None, 120), (REDIS, 600)])
def test_a_run_may_wait_for_a_worker_and_else_has_to_begin(
    tmp_path: Path, broker: str | None, seconds: int
) -> None:
    """A start that was lost with its process blocks the next one no longer than it has to."""
    home = dagster_home(read_settings(b24_home=tmp_path, b24_broker_url=broker))
    written = yaml.safe_load((home / "dagster.yaml").read_text())
    assert written["run_monitoring"]["start_timeout_seconds"] == seconds


def test_a_run_that_no_broker_has_is_not_terminated(monkeypatch: pytest.MonkeyPatch) -> None:
    """It began before the setting, or never: the answer is no, not an error."""
    monkeypatch.setenv("B24_BROKER_URL", REDIS)
    with DagsterInstance.ephemeral() as instance:
        found = launcher()
        found.register_instance(instance)
        assert found.terminate("11111111-1111-1111-1111-111111111111") is False


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the two ways out."""
    require_packages()
    monkeypatch.setitem(sys.modules, "celery", None)
    with pytest.raises(
        SettingsError, match=r"not installed: celery; install b24-pipeline\[celery\], or unset"
    ):
        require_packages()


def test_a_broker_is_shown_without_its_password() -> None:
    """In messages, and on the terminal of a worker."""
    assert broker_name(REDIS) == "redis://10.0.0.5:6380"
    assert broker_name(RABBIT) == "amqp://broker.example.com"


def test_only_redis_hands_out_nothing_ahead() -> None:
    """Celery knows how with Redis alone, and warns of the setting elsewhere."""
    assert celery_config(REDIS)["worker_disable_prefetch"] is True
    assert celery_config(RABBIT)["worker_disable_prefetch"] is False


def test_one_worker_has_room_for_all_runs_that_dagster_begins() -> None:
    """Otherwise a drain, which has precedence in Dagster's queue, would wait at the broker."""
    queue = yaml.safe_load(bundled("dagster.yaml").read_text())["concurrency"]["runs"]
    assert queue["max_concurrent_runs"] <= RUNS
