"""`b24 demo`: everything from nothing, on this machine alone, and then there to be looked at."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg

from b24_pipeline.sandbox import Sandbox, SandboxConfig
from tests.acceptance.conftest import environment, run_b24, user_of
from tests.support.printed import printed, run_in_shell

SMALL = ("--once", "--leads", "40", "--deals", "40")


def test_a_demo_is_there_to_be_looked_at(tmp_path: Path, sandbox: Sandbox) -> None:
    """What it prints works as it stands, and commands of its folder find it, until a portal of yours is connected.

    A second demo begins anew. Your own settings and database are not touched.
    """

    def b24(*arguments: str, **own: str) -> subprocess.CompletedProcess[str]:
        answer = run_b24(*arguments, cwd=tmp_path, env=environment(**own))
        assert answer.returncode == 0, answer.stderr
        return answer

    first = b24("demo", *SMALL, "--seed", "1")
    assert "connecting the portal by OAuth" in first.stderr
    assert "in stage" in first.stdout
    commands = printed(first.stderr)
    assert len(commands) == 7
    assert {command.split()[0] for command in commands} == {"B24_HOME=.b24/demo"}
    keeps_it_running = user_of(tmp_path / ".b24" / "demo")  # a start for each command would take longer
    for command in commands:
        answer = run_in_shell(command, tmp_path, environment())
        assert answer.returncode == 0, (command, answer.stderr)
        assert "(0 rows)" not in answer.stdout, command
        assert len(answer.stdout.splitlines()) > 3 or "-c" not in command, (command, answer.stdout)
        if "read.funnel" in command:
            assert {"status_name", "in_stage"} <= set(answer.stdout.splitlines()[0].split())
    unheard = run_b24("doctor", cwd=tmp_path, env=environment(B24_HOME=".b24/demo"))
    assert "they begin once `b24 demo` has printed its addresses" in unheard.stderr
    assert "no event of it" not in unheard.stdout, unheard.stdout
    granted = b24("analysts", "grant", "ann", "--create-login", B24_HOME=".b24/demo")
    assert "takes it on this machine and while it runs" in granted.stderr
    with psycopg.connect(granted.stdout.splitlines()[0]) as ann:
        assert ann.execute("select count(*) > 0 from analytics.funnel_stats").fetchone() == (True,)
        newest = ann.execute("select max(entered_at) from analytics.fct_stage_interval").fetchone() or (None,)
    assert newest[0] > SandboxConfig().now, "the pages open with the last 90 days, and nothing is in them"

    assert b24("portal", "list").stderr == (
        "note: this is the demo's database, in .b24/demo, whose portal runs only while `b24 demo` does; "
        "your own begins with `b24 portal add`\n"
    )
    began = b24("migrate")
    assert (
        began.stderr == "note: this is the database in .b24, not the demo's (B24_HOME=.b24/demo names it)\n"
    )
    listed = b24("portal", "list")
    assert "demo" in listed.stdout
    assert listed.stderr.endswith("your own, in .b24, has no portal yet: `b24 portal add`\n")
    own = {"B24_ALLOWED_PORTALS": "127.0.0.1"}
    b24("portal", "add", "acme", "--webhook-url", sandbox.webhook_url, **own)
    assert [line.split()[0] for line in b24("portal", "list", **own).stdout.splitlines()[1:]] == ["acme"]
    asked = f"{sys.executable} -c 'from b24_pipeline import read; read.funnel(portal=\"demo\")'"
    elsewhere = run_in_shell(asked, tmp_path, environment(**own)).stderr.splitlines()[-1]
    assert "is not built yet" in elsewhere
    assert elsewhere.endswith("; this is the database in .b24, not the demo's (B24_HOME=.b24/demo names it)")

    yours = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/yours", "B24_SECRET_KEYS": "no key"}
    second = printed(b24("demo", *SMALL, "--seed", "2", **yours).stderr)
    assert {command.split()[0] for command in second} == {"B24_HOME=.b24/demo"}
    answer = run_in_shell(second[0], tmp_path, environment(**yours))
    left_out = "note: DATABASE_URL is left out: the demo works on its own database alone\n"
    assert (answer.returncode, answer.stderr) == (0, left_out)
    assert "demo" in answer.stdout
    keeps_it_running.kill()
    keeps_it_running.communicate()
