"""deploy/kubernetes: what Kubernetes would refuse, and what would not fit together."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from b24_pipeline.commands.catalogue import BY_NAME
from b24_pipeline.commands.supervisor import GRPC_SECONDS, GRPC_TIMEOUT
from b24_pipeline.settings import Settings
from tests.support.kubernetes import (
    FOLDER,
    MANIFESTS,
    VALUES,
    Part,
    chart_pods,
    containers,
    instance_config,
    objects,
    of_kind,
    our_pods,
    secret_files,
    values,
)

ROOT = FOLDER.parents[1]
VERSIONS = ("1.31", "1.37")
"""The oldest Kubernetes that these files are for, and the newest whose schemas the package has."""
HARDENED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
POD = {
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "runAsGroup": 10001,
    "fsGroup": 10001,
    "seccompProfile": {"type": "RuntimeDefault"},
}
NOT_SETTINGS = {"b24_secrets_path", "postgresql-password"}
"""What says where the settings are, and what Dagster's chart asks for."""


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("file", MANIFESTS, ids=lambda path: path.stem)
def test_kubernetes_takes_every_object(file: Path, version: str) -> None:
    """Each fits the schema of its kind, and has no field that the schema does not know."""
    assert objects(file)
    for one in objects(file):
        kubernetes_validate.validate(one, version, strict=True)


def test_no_pod_of_ours_can_become_root() -> None:
    """The user of the image, no way up, nothing that is written but volumes, and no token of Kubernetes."""
    pods = our_pods()
    assert set(pods) == {"web", "b24-migrate"}
    for pod in pods.values():
        assert pod["securityContext"] == POD
        assert pod["automountServiceAccountToken"] is False
        assert [one["securityContext"] for one in containers(pod)] == [HARDENED] * len(containers(pod))
    assert f"USER {POD['runAsUser']}:{POD['runAsGroup']}" in (ROOT / "deploy" / "Dockerfile").read_text()


def test_no_pod_of_the_chart_can_become_root() -> None:
    """The same for Dagster's own: the namespace refuses all others."""
    for name, part in chart_pods().items():
        assert (name, part["podSecurityContext"], part["securityContext"]) == (name, POD, HARDENED)
    labels = of_kind("Namespace")["b24"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_every_container_says_what_it_takes() -> None:
    """Requests and limits of processor and memory, those before the others too."""
    parts = [one["resources"] for pod in our_pods().values() for one in containers(pod)]
    parts += [part["resources"] for part in chart_pods().values()]
    parts += [values()[name]["initContainerResources"] for name in ("dagsterWebserver", "dagsterDaemon")]
    parts.append(values()["runLauncher"]["config"]["k8sRunLauncher"]["resources"])
    for part in parts:
        assert {size: set(part[size]) for size in ("requests", "limits")} == {
            "requests": {"cpu", "memory"},
            "limits": {"cpu", "memory"},
        }


def test_what_runs_for_good_is_looked_after() -> None:
    """Probes that the image can answer; the service is ready only with its database."""
    (web,) = our_pods()["web"]["containers"]
    assert web["startupProbe"]["httpGet"]["path"] == web["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert web["readinessProbe"]["httpGet"]["path"] == "/readyz"
    pods = chart_pods()
    for name in ("code", "ui"):
        part = pods[name]
        assert all(part[probe] for probe in ("startupProbe", "readinessProbe", "livenessProbe"))
    assert pods["daemon"]["livenessProbe"]["exec"]["command"] == ["dagster-daemon", "liveness-check"]
    listens = pods["code"]["readinessProbe"]["exec"]["command"]
    assert listens == ["b24-entrypoint", "listens", str(pods["code"]["port"])]
    assert 'if [ "${1:-}" = listens ]' in (ROOT / "deploy" / "entrypoint.sh").read_text()
    # a probe has one way to ask, and the chart's defaults stay where nothing takes them away
    assert pods["ui"]["readinessProbe"]["httpGet"] is None
    (asked,) = {part["exec"]["command"][-1] for name, part in pods["ui"].items() if name.endswith("Probe")}
    assert asked == f"http://127.0.0.1:{pods['ui']['service']['port']}/server_info"


def test_all_run_one_image_of_this_version() -> None:
    """Ours and those of the chart."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    images = {one["image"] for pod in our_pods().values() for one in containers(pod)}
    images |= {f"{part['image']['repository']}:{part['image']['tag']}" for part in chart_pods().values()}
    assert images == {f"registry.example.com/b24-pipeline:{version}"}


def test_the_chart_is_of_the_locked_version() -> None:
    """Dagster's chart and package belong together; the launcher in the image is of the same release."""
    lock = (ROOT / "deploy" / "kubernetes.lock").read_text()
    dagster = re.findall(r"^dagster==([\d.]+)", lock, re.MULTILINE)
    for text in (VALUES.read_text(), (ROOT / "docs" / "kubernetes.md").read_text()):
        assert set(re.findall(r"--version ([\d.]+)", text)) == set(dagster)
    assert "dagster-k8s==" in lock


def test_commands_are_there() -> None:
    """What containers run, and the definitions that the code location loads."""
    started = [one["args"] for pod in our_pods().values() for one in containers(pod)]
    assert sorted(words[1] for words in started if words[0] == "b24") == ["migrate", "serve"]
    assert {"migrate", "serve", "doctor"} <= set(BY_NAME)
    arguments = chart_pods()["code"]["dagsterApiGrpcArgs"]
    given = dict(zip(arguments[::2], arguments[1::2], strict=True))
    assert find_spec(given["--module-name"])
    workspace = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"][0]["python_module"]
    assert given == {"--module-name": workspace["module_name"], "--location-name": workspace["location_name"]}


def test_every_setting_is_one() -> None:
    """A misspelt one would be ignored without a word."""
    known = set(Settings.model_fields) | NOT_SETTINGS
    given = of_kind("ConfigMap")["b24-settings"]["data"]
    ours = {name.lower(): text for name, text in given.items() if name != GRPC_TIMEOUT}
    kept = {name for secret in of_kind("Secret").values() for name in secret["stringData"]}
    assert ours.keys() - known == set()
    assert kept - known == set()
    Settings(**ours)


def test_everybody_waits_as_long_for_the_code_server() -> None:
    """`b24 up`, the containers of compose and the pods, unless whoever starts them has said otherwise."""
    assert of_kind("ConfigMap")["b24-settings"]["data"][GRPC_TIMEOUT] == GRPC_SECONDS
    compose = yaml.safe_load((ROOT / "deploy" / "compose" / "compose.yaml").read_text())
    waiting = {name: compose["services"][name]["environment"] for name in ("code", "ui", "daemon")}
    given = f"${{{GRPC_TIMEOUT}:-{GRPC_SECONDS}}}"
    assert {name: one[GRPC_TIMEOUT] for name, one in waiting.items()} == dict.fromkeys(waiting, given)


def test_secrets_are_files_where_the_settings_are_read() -> None:
    """Each pod has the Secret of its own role alone, and no variable or file here has a secret in it."""
    folder = of_kind("ConfigMap")["b24-settings"]["data"]["B24_SECRETS_PATH"]
    mounted = {name: list(secret_files(pod)) for name, pod in {**our_pods(), **chart_pods()}.items()}
    assert mounted == {
        "web": ["b24-service"],
        "b24-migrate": ["b24-owner", "b24-loader"],
        "code": ["b24-loader"],
        "ui": ["b24-loader"],
        "daemon": ["b24-loader"],
    }
    parts = [one for pod in our_pods().values() for one in containers(pod)] + list(chart_pods().values())
    for part in parts:
        places = [
            one["mountPath"] for one in part["volumeMounts"] if one["name"] in ("secrets", "owner", "loader")
        ]
        assert places == [folder]
        assert [one["name"] for one in part.get("env", [])] in ([], ["PATH"])
    secrets = of_kind("Secret")
    assert set(secrets) == {"b24-owner", "b24-loader", "b24-service"}
    for secret in secrets.values():
        for name, text in secret["stringData"].items():
            assert re.search(r"\b[A-Z]+_(PASSWORD|KEYS?)\b", text), (name, text)
    assert not re.search(r"password:|client_secret:", VALUES.read_text(), re.IGNORECASE)


def test_roles_and_database_are_the_same_everywhere() -> None:
    """Dagster's tables are those to which commands report: same server, database, role, and its schema."""
    said = values()["postgresql"]
    urls = {name: secret["stringData"]["database_url"] for name, secret in of_kind("Secret").items()}
    place = f"@{said['postgresqlHost']}:{said['service']['port']}/{said['postgresqlDatabase']}?"
    assert all(place in url for url in urls.values())
    assert f"//{said['postgresqlUsername']}:" in urls["b24-loader"]
    roles = (ROOT / "deploy" / "roles.sql").read_text()
    for url in urls.values():
        (role,) = re.findall(r"//(\w+):", url)
        assert f"-v {role.removeprefix('b24_')}={role} " in roles
    assert values()["global"]["postgresqlSecretName"] == "b24-loader"
    assert said["postgresqlParams"]["options"] == "-csearch_path=dagster"


def test_ports_and_names_lead_to_each_other() -> None:
    """From the ingress to the service's pods, from Dagster to the code location, and through the policies."""
    labels = of_kind("Deployment")["web"]["spec"]["template"]["metadata"]["labels"]
    (web,) = our_pods()["web"]["containers"]
    (port,) = web["ports"]
    assert str(port["containerPort"]) == web["args"][web["args"].index("--port") + 1]
    service = of_kind("Service")["web"]["spec"]
    assert (
        service["selector"]
        == labels
        == of_kind("PodDisruptionBudget")["web"]["spec"]["selector"]["matchLabels"]
    )
    assert service["ports"][0]["targetPort"] == port["name"]
    (rule,) = of_kind("Ingress")["web"]["spec"]["rules"]
    named = {path["backend"]["service"]["name"] for path in rule["http"]["paths"]}
    assert named == {"web", "nowhere"} == set(of_kind("Service"))
    assert of_kind("ConfigMap")["b24-settings"]["data"]["B24_PUBLIC_URL"] == f"https://{rule['host']}"
    (server,) = chart_pods()["ui"]["workspace"]["servers"]
    code = chart_pods()["code"]
    assert (server["host"], server["port"], server["name"]) == (code["name"], code["port"], "b24")
    policies = of_kind("NetworkPolicy")
    assert policies["web"]["spec"]["podSelector"]["matchLabels"] == labels
    assert policies["web"]["spec"]["ingress"][0]["ports"][0]["port"] == port["name"]
    assert code["port"] in {one["port"] for one in _ports(policies["code"]["spec"])}
    database = values()["postgresql"]["service"]["port"]
    assert database in {one["port"] for one in _ports(policies["names-and-database"]["spec"])}


def test_the_guard_stands_before_dagsters_own_command() -> None:
    """The script's folder is the first of the PATH, the image's packages follow, and it may be run."""
    ui = chart_pods()["ui"]
    (path,) = [one["value"].split(":") for one in ui["env"]]
    (script,) = [one for one in ui["volumes"] if "configMap" in one]
    assert path[0] == next(one["mountPath"] for one in ui["volumeMounts"] if one["name"] == script["name"])
    assert path[1] in re.findall(r"PATH=([^:]+):", (ROOT / "deploy" / "Dockerfile").read_text())
    assert set(of_kind("ConfigMap")[script["configMap"]["name"]]["data"]) == {"dagster-webserver"}
    assert script["configMap"]["defaultMode"] == 0o555


def test_nothing_is_open_but_what_is_said() -> None:
    """All pods are closed both ways; outside of the cluster only portals are asked, and no private address."""
    closed = of_kind("NetworkPolicy")["nothing-by-default"]["spec"]
    assert closed == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    (portals,) = of_kind("NetworkPolicy")["portals"]["spec"]["egress"]
    assert {"10.0.0.0/8", "169.254.0.0/16"} <= set(portals["to"][0]["ipBlock"]["except"])
    paths = of_kind("Ingress")["web"]["spec"]["rules"][0]["http"]["paths"]
    inside = {path["path"] for path in paths if path["backend"]["service"]["name"] == "nowhere"}
    caddy = (ROOT / "deploy" / "compose" / "Caddyfile").read_text()
    assert inside == set(re.findall(r"@inside path (.*)", caddy)[0].split())


def test_dagster_works_as_our_own_file_says() -> None:
    """The values say the same as dagster.yaml, in the words of the chart; a pod may take longer to start."""
    ours: dict[str, Any] = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    assert ours.pop("storage")["custom"]["class"] == "OurStorage"
    assert ours.pop("run_launcher")["class"] == "B24RunLauncher"
    chart = instance_config()
    assert chart.pop("run_coordinator")["config"] == ours.pop("run_queue")
    assert chart["run_monitoring"].pop("start_timeout_seconds") > ours["run_monitoring"].pop(
        "start_timeout_seconds"
    )
    assert chart == ours


def _ports(spec: Part) -> Iterator[Part]:
    for rule in [*spec.get("ingress", []), *spec.get("egress", [])]:
        yield from rule.get("ports", [])
