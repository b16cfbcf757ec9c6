"""Whether the services of `b24 up` answer: the code server, Dagster's UI with its daemon, and the HTTP service."""

from __future__ import annotations

import socket
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx

from b24_pipeline.errors import B24Error

_HEALTH = """
{ workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError {
    __typename ... on PythonError { message } } } } }
  instance { daemonHealth { allDaemonStatuses { required healthy } } } }
"""


def answers(path: Path) -> bool:
    """Whether somebody listens at this Unix socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def serves(address: str) -> bool:
    """Whether the HTTP service answers there."""
    try:
        return httpx.get(f"{address}/healthz", timeout=5, trust_env=False).status_code == HTTPStatus.OK
    except httpx.HTTPError:
        return False


def healthy(address: str) -> bool:
    """Whether the definitions are loaded and the daemon's heart beats. Raises B24Error if they do not load."""
    state = _state_of_dagster(address)
    if state is None:
        return False
    loaded = [entry["locationOrLoadError"] for entry in state["workspaceOrError"].get("locationEntries", ())]
    for location in loaded:
        if location and "message" in location:
            raise B24Error(f"Dagster cannot load the definitions: {location['message'].splitlines()[0]}")
    daemons = state["instance"]["daemonHealth"]["allDaemonStatuses"]
    beating = all(daemon["healthy"] for daemon in daemons if daemon["required"])
    return bool(loaded) and all(loaded) and beating


def _state_of_dagster(address: str) -> dict[str, Any] | None:
    """What the UI answers to _HEALTH; None while it does not, or where another program has taken its port."""
    try:
        answer = httpx.post(f"{address}/graphql", json={"query": _HEALTH}, timeout=5, trust_env=False).json()
    except (httpx.HTTPError, ValueError):
        return None
    state = answer.get("data") if isinstance(answer, dict) else None
    return state if isinstance(state, dict) and {"workspaceOrError", "instance"} <= state.keys() else None
