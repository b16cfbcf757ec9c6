"""A run of Dagster as Kubernetes gets it: the launcher's own code makes the pod of our values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from dagster import DagsterRun, Shape
from dagster._config import process_config
from dagster_k8s import K8sRunLauncher
from dagster_k8s.container_context import K8sContainerContext
from dagster_k8s.job import construct_dagster_k8s_job
from kubernetes.client import ApiClient

from tests.support.kubernetes import containers, launcher_config, of_kind, secret_files, values
from tests.unit.deploy.test_kubernetes import HARDENED, POD

LAUNCHER: Any = K8sRunLauncher
SHAPE: Any = Shape
"""Both have no types."""
CLUSTER = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "nowhere", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "nobody", "user": {}}],
    "contexts": [{"name": "none", "context": {"cluster": "nowhere", "user": "nobody"}}],
    "current-context": "none",
}


@pytest.fixture
def run(tmp_path: Path) -> dict[str, Any]:
    """The Job of a run, from the configuration that the chart makes of the values."""
    access = tmp_path / "kubeconfig"
    access.write_text(json.dumps(CLUSTER))
    # outside of a cluster
    given = launcher_config() | {"load_incluster_config": False, "kubeconfig_file": str(access)}
    read = process_config(SHAPE(LAUNCHER.config_type()), given)
    assert read.success, read.errors
    launcher = LAUNCHER.from_config_value(None, read.value)
    context = K8sContainerContext.create_for_run(
        DagsterRun(job_name="sync"), launcher, include_run_tags=False
    )
    job = construct_dagster_k8s_job(
        context.get_k8s_job_config(job_image="registry.example.com/b24-pipeline:1", run_launcher=launcher),
        args=["dagster", "api", "execute_run"],
        job_name="dagster-run-1",
        component="run_worker",
        user_defined_k8s_config=context.run_k8s_config,
    )
    made: dict[str, Any] = ApiClient().sanitize_for_serialization(job)
    return made


def test_a_run_is_a_pod_that_kubernetes_takes(run: dict[str, Any]) -> None:
    """It fits the schema, cannot become root, has limits, and no token: a run starts no pods."""
    kubernetes_validate.validate(run, "1.37", strict=True)
    pod = run["spec"]["template"]["spec"]
    (container,) = containers(pod)
    assert (pod["securityContext"], container["securityContext"]) == (POD, HARDENED)
    assert pod["automountServiceAccountToken"] is False
    said = values()["runLauncher"]["config"]["k8sRunLauncher"]
    assert container["resources"] == said["resources"]
    assert run["spec"]["ttlSecondsAfterFinished"] == 600


def test_a_run_has_settings_secrets_and_rights_to_the_network(run: dict[str, Any]) -> None:
    """Those of the loader, where the settings are read; and the label by which the policy for portals finds it."""
    pod = run["spec"]["template"]["spec"]
    (container,) = containers(pod)
    assert container["envFrom"] == [{"configMapRef": {"name": "b24-settings"}}]
    assert list(secret_files(pod)) == ["b24-loader"]
    password = next(one for one in container["env"] if one["name"] == "DAGSTER_PG_PASSWORD")
    key = password["valueFrom"]["secretKeyRef"]
    assert key["key"] in of_kind("Secret")[key["name"]]["stringData"]
    home = next(one["value"] for one in container["env"] if one["name"] == "DAGSTER_HOME")
    assert home in {one["mountPath"] for one in container["volumeMounts"]}
    (chosen,) = of_kind("NetworkPolicy")["portals"]["spec"]["podSelector"]["matchExpressions"]
    assert run["spec"]["template"]["metadata"]["labels"][chosen["key"]] in chosen["values"]
