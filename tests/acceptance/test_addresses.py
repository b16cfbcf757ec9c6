"""An address that cannot be listened on is named, with the option that helps."""

from __future__ import annotations

import pytest

from b24_pipeline.sandbox import Sandbox
from tests.acceptance.conftest import B24
from tests.acceptance.test_bad_input import USAGE, assert_refused


def test_taken_port_of_the_sandbox_is_named(b24_here: B24, sandbox: Sandbox) -> None:
    """Not a traceback, but another port."""
    port = sandbox.url.rpartition(":")[2]
    assert_refused(b24_here("sandbox", "--port", port), USAGE, port, "--port")


@pytest.mark.parametrize("host", ["nowhere.invalid", "192.0.2.1"])
def test_a_host_that_is_none_of_ours_is_named(b24_here: B24, host: str) -> None:
    """Another port would not help."""
    for command in ("serve", "sandbox"):
        refused = b24_here(command, "--host", host)
        assert_refused(refused, USAGE, host, "choose another with --host")


def test_one_port_for_two_services_is_refused(b24_here: B24) -> None:
    """Not the traceback of whichever of the two came second."""
    for command in ("up", "demo"):
        result = b24_here(command, "--port", "3999", "--web-port", "3999")
        assert_refused(result, USAGE, "3999", "--web-port")


def test_a_taken_port_of_the_demo_is_told_before_it_reads(b24_here: B24, sandbox: Sandbox) -> None:
    """With `--once` it needs none."""
    port = sandbox.url.rpartition(":")[2]
    result = b24_here("demo", "--port", port)
    assert_refused(result, USAGE, port, "choose another with --port")
    assert "1/5" not in result.stderr
