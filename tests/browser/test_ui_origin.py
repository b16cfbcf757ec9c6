"""Dagster's UI of `b24 up` in a real browser: its own pages work, and a page of another origin achieves nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.conftest import KEY, environment
from tests.browser.conftest import keep
from tests.browser.test_within_seconds import up, wait_until
from tests.support.installation import free_ports

PATIENCE_MS = 60_000
JOB = "maintenance"
LAUNCH = """mutation { launchRun(executionParams: {
    selector: {repositoryLocationName: "b24", repositoryName: "__repository__", jobName: "%s"}, mode: "default",
    runConfigData: {}, executionMetadata: {tags: [{key: "from", value: "%s"}]} }) { __typename } }"""
RUNS = "query ($which: RunsFilter!) { runsOrError(filter: $which) { ... on Runs { results { runId } } } }"
SHUT_DOWN = 'mutation { shutdownRepositoryLocation(repositoryLocationName: "b24") { __typename } }'

ASK = """async (query) => {
    const asked = {method: "POST", headers: {"content-type": "application/json"}, body: JSON.stringify({query})};
    return await (await fetch("/graphql", asked)).json();
}"""
TALK = """(address) => new Promise((done) => {
    const socket = new WebSocket(address, "graphql-ws");
    socket.onopen = () => socket.send(JSON.stringify({type: "connection_init"}));
    socket.onmessage = (message) => done(JSON.parse(message.data).type);
    socket.onclose = () => done("closed");
})"""

ATTACK = """<!doctype html><title>elsewhere</title>
<form method="post" target="form" action="{ui}/graphql"><input name="query" value='{query}'></form>
<form method="post" target="plain" enctype="text/plain" action="{ui}/graphql">
<input name='{{"query": {quoted}, "x": "' value='"}}'></form>
<iframe name="form"></iframe><iframe name="plain"></iframe>
<iframe name="ui" src="{ui}/locations"></iframe>
<script>
const ui = "{ui}", query = {quoted}, outcomes = {{}};
const note = (name, promise) =>
    promise.then((answer) => outcomes[name] = answer.type, () => outcomes[name] = "refused");
const json = {{method: "POST", headers: {{"content-type": "application/json"}}, body: JSON.stringify({{query}})}};
const address = ui + "/graphql?query=" + encodeURIComponent(query);
for (const form of document.forms) form.submit();
new Image().src = address;
const socket = new WebSocket(ui.replace("http", "ws") + "/graphql", "graphql-ws");
const talked = new Promise((done, failed) => {{
    socket.onopen = () => {{
        socket.send(JSON.stringify({{type: "connection_init"}}));
        socket.send(JSON.stringify({{type: "start", id: "1", payload: {{query}}}}));
    }};
    socket.onmessage = (message) => done({{type: message.data}});
    socket.onclose = failed;
}});
const all = [
    note("json", fetch(ui + "/graphql", json)),
    note("blind post", fetch(address, {{method: "POST", mode: "no-cors", body: JSON.stringify({{query}})}})),
    note("blind get", fetch(address, {{mode: "no-cors"}})),
    note("read", fetch(ui + "/server_info")),
    note("socket", talked),
];
Promise.all(all).then(() => setTimeout(() => {{
    document.title = "over";
    document.body.append(Object.assign(document.createElement("pre"), {{textContent: JSON.stringify(outcomes)}}));
}}, 3000));
</script>"""


@pytest.fixture(scope="module")
def ui(server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the UI of a `b24 up` without portals."""
    folder = tmp_path_factory.mktemp("up")
    url = server.fresh()
    env = environment(DATABASE_URL=url, B24_SECRET_KEYS=KEY, B24_HOME=str(folder / "home"))
    port, web_port = free_ports(2)
    with up(folder, env, port, web_port):
        yield f"http://127.0.0.1:{port}"
    server.drop(url)


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    """A tab whose console may complain: the UI is not ours."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


@contextmanager
def elsewhere(text: str) -> Iterator[str]:
    """The address of a page of another origin that has this text."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as pages:
        threading.Thread(target=pages.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{pages.server_port}/"
        pages.shutdown()


def by(launcher: str) -> dict[str, Any]:
    """The runs of this launcher, as a filter."""
    return {"tags": [{"key": "from", "value": launcher}]}


def runs(ui: str, which: dict[str, Any]) -> int:
    """How many runs the filter finds."""
    body = {"query": RUNS, "variables": {"which": which}}
    answer = httpx.post(f"{ui}/graphql", json=body, timeout=30, trust_env=False).json()
    return len(answer["data"]["runsOrError"]["results"])


def is_loaded(ui: str) -> bool:
    """Whether the code server still serves the definitions."""
    query = "{ repositoriesOrError { ... on RepositoryConnection { nodes { jobs { name } } } } }"
    answer = httpx.post(f"{ui}/graphql", json={"query": query}, timeout=30, trust_env=False).json()
    return JOB in {
        job["name"] for node in answer["data"]["repositoriesOrError"]["nodes"] for job in node["jobs"]
    }


@pytest.mark.timeout(300)
def test_the_ui_loads_and_its_pages_launch_runs(ui: str, tab: Page) -> None:
    """The page is drawn, its scripts may command, its WebSocket is open, and its own button launches a run."""
    tab.goto(f"{ui}/locations/b24/jobs/{JOB}/playground")
    launch = tab.get_by_role("button", name="Launch Run")
    expect(launch).to_be_enabled(timeout=PATIENCE_MS)
    keep(tab, "launchpad")
    assert tab.evaluate(ASK, LAUNCH % (JOB, "its own page")) == {
        "data": {"launchRun": {"__typename": "LaunchRunSuccess"}}
    }
    assert tab.evaluate(TALK, f"{ui.replace('http', 'ws')}/graphql") == "connection_ack"
    assert runs(ui, by("its own page")) == 1
    launch.dispatch_event("click")  # Dagster greets a newcomer by a dialog that lies above the button
    wait_until(lambda: runs(ui, {"pipelineName": JOB}) == 2, 60)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("command", [LAUNCH % (JOB, "elsewhere"), SHUT_DOWN], ids=["launch", "shut down"])
def test_a_page_of_another_origin_achieves_nothing(ui: str, tab: Page, command: str) -> None:
    """By fetch, form, picture and WebSocket nothing is read, launched or stopped; the UI is shown in no frame."""
    query = " ".join(command.split())
    attack = ATTACK.format(ui=ui, query=query.replace("'", "&#39;"), quoted=json.dumps(query))
    with elsewhere(attack) as address:
        tab.goto(address)
        expect(tab).to_have_title("over", timeout=PATIENCE_MS)
        outcomes = json.loads(tab.locator("pre").inner_text())
        shown = {frame.name: frame.url for frame in tab.frames if frame.name}
    assert outcomes == {
        "json": "refused",
        "blind post": "opaque",
        "blind get": "opaque",
        "read": "refused",
        "socket": "refused",
    }
    assert shown["ui"].startswith("chrome-error:")
    wait_until(lambda: is_loaded(ui), 30)
    assert runs(ui, by("elsewhere")) == 0
