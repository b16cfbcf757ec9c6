"""Drains are canceled before Dagster is stopped: they wait for more events, and would be killed while they do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

WAIT_SECONDS = 5.0
LOOK_SECONDS = 0.2
_GOING_ON = """
{ runsOrError(filter: {pipelineName: "drain", statuses: [STARTING, STARTED, CANCELING]}) {
    ... on Runs { results { runId } } } }
"""
_CANCEL = "mutation ($ids: [String!]!) { terminateRuns(runIds: $ids) { __typename } }"


def cancel_drains(address: str, is_hurried: Callable[[], bool]) -> None:
    """Cancels the drains that this Dagster runs, and waits until they have ended, for some seconds at most.

    Where it is hurried nobody is waited for.

    A drain that is cut off loses nothing: its events stay due. Where the UI does not answer nothing is done.
    """
    ends = time.monotonic() + WAIT_SECONDS
    try:
        ids = _drains(address)
        if ids:
            _ask(address, _CANCEL, ids=ids)
        while not is_hurried() and _drains(address) and time.monotonic() < ends:
            time.sleep(LOOK_SECONDS)
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return


def _drains(address: str) -> list[str]:
    return [run["runId"] for run in _ask(address, _GOING_ON)["runsOrError"]["results"]]


def _ask(address: str, query: str, **variables: Any) -> dict[str, Any]:
    body = {"query": query, "variables": variables}
    answer = httpx.post(f"{address}/graphql", json=body, timeout=WAIT_SECONDS, trust_env=False).json()
    return dict(answer["data"])
