"""What `b24 demo` has read and built before Dagster started stands in Dagster's catalogue."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.acceptance.conftest import environment
from tests.support.installation import free_ports
from tests.support.printed import printed, run_in_shell

PATIENCE_SECONDS = 60
QUERY = """
{ shouldShowNux
  funnel: assetNodes(assetKeys: [{path: ["funnel_stats"]}]) {
    assetMaterializations(limit: 1) { metadataEntries { label } } }
  deals: assetNodes(assetKeys: [{path: ["raw", "deals"]}]) {
    partitionStats { numMaterialized } } }
"""


@pytest.mark.slow
def test_the_demo_fills_the_catalogue(tmp_path: Path) -> None:
    """The funnel's picture and the months of deals are there when the address is printed, and nothing before them."""
    port, web_port = free_ports(2)
    options = ["--leads", "50", "--deals", "50", "--port", str(port), "--web-port", str(web_port)]
    command = [sys.executable, "-m", "b24_pipeline", "demo", *options]
    demo = subprocess.Popen(command, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True)
    assert demo.stderr
    try:
        while f"Dagster: http://127.0.0.1:{port}" not in (line := demo.stderr.readline()):
            assert line, "the demo has ended"
        answer = httpx.post(f"http://127.0.0.1:{port}/graphql", json={"query": QUERY}, trust_env=False)
        found = answer.json()["data"]
        while not (moves := printed(demo.stderr.readline())):
            pass
        moved = run_in_shell(moves[0], tmp_path, environment())
    finally:
        demo.send_signal(signal.SIGINT)
        _, said = demo.communicate(timeout=PATIENCE_SECONDS)
    assert demo.returncode == 0, said
    assert "(10 rows)" in moved.stdout, moved.stderr
    assert found["shouldShowNux"] is False
    ((built,),) = (node["assetMaterializations"] for node in found["funnel"])
    assert "funnel" in [entry["label"] for entry in built["metadataEntries"]]
    assert found["deals"][0]["partitionStats"]["numMaterialized"] > 0
