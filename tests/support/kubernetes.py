"""The files of deploy/kubernetes, read as Kubernetes and Dagster's chart read them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
VALUES = FOLDER / "dagster-values.yaml"
MANIFESTS = sorted(set(FOLDER.glob("*.yaml")) - {VALUES, FOLDER / "secrets.yaml"})
"""All but the values, and what whoever installs it has put beside them."""

Part = dict[str, Any]


def values() -> Part:
    """The values for the chart."""
    read: Part = yaml.safe_load(VALUES.read_text("utf-8"))
    return read


def objects(file: Path | None = None) -> list[Part]:
    """The objects of one file, or of all."""
    files = [file] if file else MANIFESTS
    return [one for path in files for one in yaml.safe_load_all(path.read_text("utf-8"))]


def of_kind(kind: str) -> dict[str, Part]:
    """The objects of a kind, by their names."""
    return {one["metadata"]["name"]: one for one in objects() if one["kind"] == kind}


def our_pods() -> dict[str, Part]:
    """The pods that our manifests start, by the name of what starts them."""
    starters = {**of_kind("Deployment"), **of_kind("Job")}
    return {name: one["spec"]["template"]["spec"] for name, one in starters.items()}


def containers(pod: Part) -> list[Part]:
    """All containers of a pod, those that run before the others too."""
    return [*pod.get("initContainers", []), *pod["containers"]]


def chart_pods() -> dict[str, Part]:
    """The pods that the chart starts for good, each as its part of the values."""
    given = values()
    (code,) = given["dagster-user-deployments"]["deployments"]
    return {"code": code, "ui": given["dagsterWebserver"], "daemon": given["dagsterDaemon"]}


def launcher_config() -> Part:
    """The configuration of the run launcher that the chart makes of the values."""
    given = values()
    said = given["runLauncher"]["config"]["k8sRunLauncher"]
    return {
        "service_account_name": "dagster",
        "instance_config_map": "dagster-instance",
        "job_namespace": "b24",
        "load_incluster_config": True,
        "dagster_home": given["global"]["dagsterHome"],
        "postgres_password_secret": given["global"]["postgresqlSecretName"],
        "image_pull_policy": said["imagePullPolicy"],
        "env_config_maps": [one["name"] for one in said["envConfigMaps"]],
        "volumes": said["volumes"],
        "volume_mounts": said["volumeMounts"],
        "security_context": said["securityContext"],
        "resources": said["resources"],
        "run_k8s_config": {
            "pod_spec_config": said["runK8sConfig"]["podSpecConfig"],
            "job_spec_config": said["runK8sConfig"]["jobSpecConfig"],
        },
    }


def instance_config() -> Part:
    """The dagster.yaml that the chart makes of the values, but for storage and launcher."""
    given = values()
    daemon, retention = given["dagsterDaemon"], given["retention"]
    monitoring, retries, concurrency = daemon["runMonitoring"], daemon["runRetries"], given["concurrency"]
    queue = daemon["runCoordinator"]["config"]["queuedRunCoordinator"]
    return {
        "run_coordinator": {
            "module": "dagster._core.run_coordinator",
            "class": "QueuedRunCoordinator",
            "config": {
                "dequeue_interval_seconds": queue["dequeueIntervalSeconds"],
                "dequeue_use_threads": queue["dequeueUseThreads"],
                "dequeue_num_workers": queue["dequeueNumWorkers"],
            },
        },
        "concurrency": {
            "pools": {
                "default_limit": concurrency["pools"]["defaultLimit"],
                "granularity": concurrency["pools"]["granularity"],
            },
            "runs": {"max_concurrent_runs": concurrency["runs"]["maxConcurrentRuns"]},
        },
        "run_monitoring": {
            "enabled": monitoring["enabled"],
            "poll_interval_seconds": monitoring["pollIntervalSeconds"],
            "start_timeout_seconds": monitoring["startTimeoutSeconds"],
            "max_runtime_seconds": monitoring["maxRuntimeSeconds"],
            "free_slots_after_run_end_seconds": monitoring["freeSlotsAfterRunEndSeconds"],
        },
        "run_retries": {
            "enabled": retries["enabled"],
            "max_retries": retries["maxRetries"],
            "retry_on_asset_or_op_failure": retries["retryOnAssetOrOpFailure"],
        },
        **{name: _threads(daemon[name]) for name in ("sensors", "schedules")},
        "retention": {
            name: {"purge_after_days": retention[name]["purgeAfterDays"]} for name in ("schedule", "sensor")
        },
        "telemetry": given["telemetry"],
        **given["additionalInstanceConfig"],
    }


def storage_config(**instead: Any) -> Part:
    """The storage that the chart writes into dagster.yaml; `instead`: of the test's server."""
    said = values()["postgresql"]
    database = {
        "username": said["postgresqlUsername"],
        "hostname": said["postgresqlHost"],
        "port": said["service"]["port"],
        "db_name": said["postgresqlDatabase"],
        "params": said["postgresqlParams"],
        **instead,
    }
    classes = {
        "run_storage": ("dagster_postgres.run_storage", "PostgresRunStorage"),
        "event_log_storage": ("dagster_postgres.event_log", "PostgresEventLogStorage"),
        "schedule_storage": ("dagster_postgres.schedule_storage", "PostgresScheduleStorage"),
    }
    return {
        name: {"module": module, "class": one, "config": {"postgres_db": database}}
        for name, (module, one) in classes.items()
    }


def secret_files(pod: Part) -> Iterator[str]:
    """The Secrets that a pod mounts."""
    for volume in pod["volumes"]:
        if "secret" in volume:
            yield volume["secret"]["secretName"]


def _threads(said: Part) -> Part:
    return {"use_threads": said["useThreads"], "num_workers": said["numWorkers"]}
