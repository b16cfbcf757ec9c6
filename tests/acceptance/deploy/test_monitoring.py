"""The alerts and the dashboard of `deploy/monitoring/`: sound, tried, and over figures that the service has."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.acceptance.conftest import environment, run_b24
from tests.support.installation import execute
from tests.support.printed import ROOT
from tests.support.servers.live_service import Live, live
from tests.support.servers.prometheus import Watching, promtool, watching
from tests.support.servers.web_service import KEY

FOLDER = ROOT / "deploy" / "monitoring"
ALERTS, CASES, DASHBOARD = FOLDER / "alerts.yaml", FOLDER / "alerts_test.yaml", FOLDER / "dashboard.json"
SELECTOR = re.compile(r"\b(b24_\w+|up)\{([^}]*)\}")
METRIC = re.compile(r"\bb24_\w+")
LABEL = re.compile(r"(\w+)(?:=~|!~|!=|=)")
GROUPED = re.compile(r"\b(?:by|on|without) \(([^)]*)\)")


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    """The panels of the dashboard, also those inside of a folded row."""
    top = json.loads(DASHBOARD.read_text())["panels"]
    return [*top, *(inner for panel in top for inner in panel.get("panels", []))]


def expressions() -> dict[str, str]:
    """Every expression, by where it stands; what Grafana fills in is filled in."""
    of_alerts = {rule["alert"]: rule["expr"] for rule in alerts()}
    of_panels = {
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in panels()
        for target in panel.get("targets", [])
    }
    filled = (of_alerts | of_panels).items()
    return {place: text.replace("$portal", ".*").replace("$__rate_interval", "5m") for place, text in filled}


def test_rules_are_rules_and_the_example_is_a_configuration() -> None:
    """Every warning of promtool counts."""
    for words in (
        ("check", "rules", "--lint=all", "--lint-fatal", ALERTS),
        ("check", "config", "--syntax-only", FOLDER / "prometheus.yaml"),
    ):
        said = promtool(*words)
        assert said.returncode == 0, said.stdout + said.stderr


def test_every_alert_fires_when_it_should() -> None:
    """`alerts_test.yaml`, by promtool."""
    said = promtool("test", "rules", CASES)
    assert said.returncode == 0, said.stdout + said.stderr


def test_an_alert_that_does_not_fire_is_found(tmp_path: Path) -> None:
    """The cases expect each of the alerts: with all of them mute promtool misses all."""
    mute = re.sub(r"expr: (>-\n(?: {10,}.*\n)+|.*\n)", "expr: vector(0) > 1\n", ALERTS.read_text())
    (tmp_path / "alerts.yaml").write_text(mute)
    (tmp_path / CASES.name).write_text(CASES.read_text())
    said = promtool("test", "rules", tmp_path / CASES.name)
    assert said.returncode == 1
    missed = said.stdout + said.stderr
    assert [rule["alert"] for rule in alerts() if rule["alert"] not in missed] == []


def test_every_alert_says_what_to_do() -> None:
    """How urgent, what one sees, what it means, and a part of the runbook that is there."""
    runbook = (ROOT / "docs" / "operations.md").read_text()
    parts = {anchor(title) for title in re.findall(r"^#+ (.+)$", runbook, re.MULTILINE)}
    names = Counter(rule["alert"] for rule in alerts())
    assert len(names) > 10
    assert set(names.values()) == {1}
    for rule in alerts():
        told = rule["annotations"]
        assert rule["labels"]["severity"] in ("critical", "warning"), rule["alert"]
        assert len(told["summary"]) > 20 and len(told["description"]) > 60, rule["alert"]
        page, _, part = told["runbook_url"].partition("#")
        assert page == "docs/operations.md"
        assert part in parts, (rule["alert"], part)
        assert rule["alert"] in runbook, f"{rule['alert']} is not explained"


def anchor(title: str) -> str:
    """Where GitHub puts a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def test_the_dashboard_is_one_for_any_grafana() -> None:
    """Ids are unique, panels lie beside one another, and all ask the source that is chosen above."""
    board = json.loads(DASHBOARD.read_text())
    assert board["schemaVersion"] >= 36
    assert board["uid"] and board["title"]
    assert len(board["uid"]) <= 40
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["datasource"]["query"] == "prometheus"
    found = panels()
    assert len({panel["id"] for panel in found}) == len(found) > 15
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    for panel in found:
        if panel["type"] == "row":
            continue
        assert panel["description"], panel["title"]
        assert panel["datasource"] == chosen
        assert [target["datasource"] for target in panel["targets"]] == [chosen] * len(panel["targets"])
        names = [target["refId"] for target in panel["targets"]]
        assert len(names) == len(set(names)) > 0
    asked = set(re.findall(r"\$\{?(\w+)", DASHBOARD.read_text())) - {"__rate_interval", "__all"}
    assert asked == set(variables)
    taken = Counter(cell for panel in found for cell in cells(panel["gridPos"]))
    assert [cell for cell, count in taken.items() if count > 1 or cell[0] >= 24] == []


def cells(place: dict[str, int]) -> Iterator[tuple[int, int]]:
    """The cells of Grafana's grid, 24 wide, that a panel takes."""
    for column in range(place["x"], place["x"] + place["w"]):
        for line in range(place["y"], place["y"] + place["h"]):
            yield column, line


@pytest.fixture
def running(database_url: str, tmp_path: Path) -> Iterator[Live]:
    """The service with a portal that is connected and read."""
    with live(database_url, tmp_path) as everything:
        assert everything.connect().status_code == 200
        env = environment(DATABASE_URL=database_url, **everything.environment)
        synced = run_b24("sync", "--no-models", cwd=tmp_path, env=env)
        assert synced.returncode == 0, synced.stderr
        yield everything


def test_every_figure_that_is_asked_for_is_one_of_the_service(running: Live, tmp_path: Path) -> None:
    """A real Prometheus with the example's scrape: each metric has the labels, and each rule can be computed."""
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "alerts.yaml").write_text(ALERTS.read_text())
    (tmp_path / "prometheus.yaml").write_text(example(running.address, tmp_path / "key"))
    with watching(tmp_path / "prometheus.yaml", tmp_path) as prometheus:
        seen = 'b24_http_requests_total{route="/metrics"} > 2'  # two scrapes: the first counts itself later
        prometheus.wait_until(lambda asked: asked.query(seen), "the service was not scraped")
        for place, text in expressions().items():
            prometheus.query(text)
            assert asked_for(text), place
            for metric, labels in asked_for(text).items():
                found = prometheus.query(metric)
                assert found, (place, metric)
                assert labels - {"alertstate", "le"} <= set(found[0]["metric"]), (place, metric, labels)
        prometheus.wait_until(
            lambda asked: all(rule["lastEvaluation"] > "2000" for rule in asked.rules()), "rules wait"
        )
        assert {rule["name"]: rule["health"] for rule in prometheus.rules()} == {
            rule["alert"]: "ok" for rule in alerts()
        }
        assert firing(prometheus) == set()
        execute(
            running.runtime.warehouse, "update user_accounts set bitrix24_status = 'reauthorization_required'"
        )
        prometheus.wait_until(firing, "the alert does not fire")
        assert firing(prometheus) == {("B24PortalNeedsAuthorization", "acme")}


def firing(prometheus: Watching) -> set[tuple[str, str]]:
    """The alerts that fire, each with its portal."""
    found = prometheus.query('ALERTS{alertstate="firing"}')
    return {(one["metric"]["alertname"], one["metric"].get("portal", "")) for one in found}


def asked_for(expression: str) -> dict[str, set[str]]:
    """The metrics of an expression, each with the labels that it is chosen, grouped or matched by."""
    grouped = {
        name.strip() for names in GROUPED.findall(expression) for name in names.split(",") if name.strip()
    }
    of_selectors = {
        name: set(LABEL.findall(matchers)) | grouped for name, matchers in SELECTOR.findall(expression)
    }
    assert set(METRIC.findall(re.sub(r'"[^"]*"', "", expression))) <= set(of_selectors)
    return of_selectors


def example(address: str, key: Path) -> str:
    """The example, for this service and in a hurry."""
    text = (FOLDER / "prometheus.yaml").read_text()
    for old, new in (
        ("127.0.0.1:8024", address.removeprefix("http://")),
        ("/etc/prometheus/b24-viewer-key", str(key)),
        ("interval: 30s", "interval: 1s"),
    ):
        assert old in text
        text = text.replace(old, new)
    return text
