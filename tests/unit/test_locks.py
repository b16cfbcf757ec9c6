"""The lock files: what running needs, the same with what starts pods, with workers, and with the tools of tests."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
RUN = (ROOT / "requirements.lock").read_text()
DEV = (ROOT / "requirements-dev.lock").read_text()
PODS = (ROOT / "deploy" / "kubernetes.lock").read_text()
WORKERS = (ROOT / "deploy" / "celery.lock").read_text()


def pins(lock: str) -> set[str]:
    """Each package with its version and its hashes; where it is wanted at all may differ between the locks."""
    return {re.sub(r" ;.*(?= \\\n)", "", pin) for pin in re.findall(r"^\S.*(?:\n .*)*", lock, re.MULTILINE)}


def names(lock: str) -> set[str]:
    """The packages of a lock."""
    return set(re.findall(r"^([\w.-]+)==", lock, re.MULTILINE))


def test_all_pin_the_same_versions() -> None:
    """What is tested is what runs: a package has one version and one set of hashes in all locks."""
    assert {pin for pin in pins(DEV) if names(pin) <= names(RUN)} == pins(RUN)
    assert {pin for pin in pins(DEV) if names(pin) <= names(PODS)} == pins(PODS)
    assert {pin for pin in pins(DEV) if names(pin) <= names(WORKERS)} == pins(WORKERS)


def test_pods_need_the_launcher_beside_what_runs() -> None:
    """The image for Kubernetes has all that the usual one has, and no test tool either."""
    assert names(RUN) < names(PODS)
    assert names(PODS) - names(RUN) > {"dagster-k8s", "kubernetes"}
    assert "kubernetes-validate" not in names(PODS)


def test_workers_need_a_broker_beside_what_runs() -> None:
    """The image for workers has all that the usual one has, of one release of Dagster, and speaks to both brokers."""
    assert names(RUN) < names(WORKERS)
    assert names(WORKERS) - names(RUN) > {"dagster-celery", "celery", "redis", "amqp"}
    versions = dict(re.findall(r"^(dagster[\w-]*)==([\w.]+)", WORKERS, re.MULTILINE))
    assert versions["dagster-celery"] == versions["dagster-postgres"]


@pytest.mark.parametrize("lock", [RUN, DEV, PODS, WORKERS], ids=["run", "dev", "pods", "workers"])
def test_every_package_has_hashes(lock: str) -> None:
    """No package is taken on the word of its name."""
    assert all("--hash=sha256:" in pin for pin in pins(lock))


def test_running_needs_no_tools() -> None:
    """Neither the test tools nor dbt are installed where the pipeline runs."""
    assert not names(RUN) & {"pytest", "mypy", "playwright", "dbt-core", "dagster-dg-cli"}


def test_the_wheel_fits_beside_other_patches_of_dagster() -> None:
    """A project with another patch of Dagster can install us; the locks say which one is tested."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [Requirement(text) for text in project["dependencies"]]
    ours = {one.name: one.specifier for one in wanted if one.name.startswith("dagster")}
    for name, release in {"dagster": "1.13", "dagster-webserver": "1.13", "dagster-postgres": "0.29"}.items():
        assert all(f"{release}.{patch}" in ours[name] for patch in (20, 26, 27))
        assert f"{release}.99" in ours[name]


def test_the_installer_is_pinned() -> None:
    """The set-up takes uv and hatchling from the lock."""
    assert {"uv", "hatchling"} <= names(RUN)
