"""Processes for the tests in which several share a portal."""

from __future__ import annotations

import multiprocessing
from multiprocessing.context import ForkServerContext

import pytest


@pytest.fixture(scope="session")
def processes() -> ForkServerContext:
    """Starts clean processes; the imports are paid once, not by each."""
    context = multiprocessing.get_context("forkserver")
    folder = "tests.integration.bitrix"
    context.set_forkserver_preload([f"{folder}.test_shared_budget", f"{folder}.test_sandbox_lists"])
    return context
