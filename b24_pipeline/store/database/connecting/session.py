"""How a session of ours begins: what of it PostgreSQL is told, beside the URL."""

from __future__ import annotations

import re

from b24_pipeline.store.database.acting import actor_of_process
from b24_pipeline.store.database.connecting.url import DatabaseUrl

LOCK_TIMEOUT_SECONDS = 30
IDLE_IN_TRANSACTION_SECONDS = 60  # a half-open connection frees what it holds
_UNLESS_GIVEN = {"connect_timeout": "10", "application_name": "b24-pipeline", "keepalives_idle": "30"}


def session_parameters(url: DatabaseUrl) -> dict[str, str]:
    """What psycopg connects with: the URL's own parameters, and ours where it has none."""
    ours = {name: value for name, value in _UNLESS_GIVEN.items() if not url.resolved.get(name)}
    return {**url.given, **ours, "options": _options(url.resolved.get("options", ""))}


def _options(given: str) -> str:
    """The later of two wins: what the URL sets comes after what we prefer, and before what we rely on."""
    return " ".join(filter(None, (_as_switches(_preferred()), given, _as_switches(_needed()))))


def _preferred() -> dict[str, str]:
    return {
        "lock_timeout": f"{LOCK_TIMEOUT_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_SECONDS}s",
        "jit": "off",  # its start-up costs more than our statements run
        "client_min_messages": "warning",
    }


def _needed() -> dict[str, str]:
    actor = actor_of_process()
    return {"timezone": "UTC"} | ({} if actor is None else {"b24.changed_by": actor})


def _as_switches(settings: dict[str, str]) -> str:
    escaped = {name: re.sub(r"([\\\s])", r"\\\1", value) for name, value in settings.items()}
    return " ".join(f"-c {name}={value}" for name, value in escaped.items())
