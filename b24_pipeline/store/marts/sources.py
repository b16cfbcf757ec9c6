"""What the models were built from: the state of each table that they read, then and now, and what changed since."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection

_sql = queries.load(__file__)

States = Mapping[str, str]
"""The state of each table by its name, such as `public.creatives`: equal states, equal rows."""

LOG = "public.bitrix24_changes"
"""The change log. Its state is the server and the snapshot up to which its changes were seen."""

PROGRESS = "public.bitrix24_cursors"
"""How far each entity was read. Each sync moves it, and views alone read it: nothing has to be built for it."""

UNSEEN = "unseen by own models"
"""Not a table: what stands under this name says since when own models are behind the models of a schema."""

LOGGED = frozenset(
    {
        "public.bitrix24_leads",
        "public.bitrix24_deals",
        "public.bitrix24_status_history",
        "public.bitrix24_qualification",
        "public.leads",
    }
)
"""The tables whose changes are in the log."""

KEPT_DAYS = 30
"""Changes are kept no longer, whoever has not seen them."""


def states(connection: Connection) -> dict[str, str]:
    """The present state of each table that the models read, but for those whose changes are logged.

    PROGRESS has always the same: no build is due because a read went further.
    """
    found = {relation: state or "" for relation, state in _sql.states(connection)}
    return found | {LOG: str(_sql.server_and_snapshot(connection)), PROGRESS: ""}


def changed_tables(connection: Connection, now: str, seen: str | None) -> dict[str, bool] | None:
    """The logged tables that changed since a state of the log, each with whether it was emptied as a whole.

    None where that cannot be told: nothing was seen before, or on another server, or this one was put back.
    """
    server, _, snapshot = (seen or "").partition(" ")
    if not snapshot or server != now.partition(" ")[0] or not _sql.is_later(connection, seen=snapshot):
        return None
    found = {f"public.{table}": emptied for table, emptied in _sql.changed_tables(connection, seen=snapshot)}
    return {relation: emptied for relation, emptied in found.items() if relation in LOGGED}


def snapshot_of(state: str) -> str:
    """The snapshot of a state of the log, as PostgreSQL writes it."""
    return state.partition(" ")[2]


def built(connection: Connection, schema: str, models: str) -> dict[str, str]:
    """As of which states the models of this schema were built; none for those built from other models' texts."""
    found = _sql.built(connection, schema=schema)
    return {relation: state for relation, state, texts in found if texts == models}


def note(connection: Connection, schema: str, models: str, done: States) -> None:
    """Stores that all models above these tables were built as of these states; `models`: the sum of their texts."""
    _sql.note(connection, schema=schema, models=models, relations=list(done), states=list(done.values()))


def forget(connection: Connection, schema: str, relation: str = LOG) -> None:
    """Lets the next build compute everything above a table anew; without one, everything."""
    _sql.forget(connection, schema=schema, relation=relation)


def note_unseen(connection: Connection, schema: str) -> None:
    """Stores that models of this schema changed, unless own models were behind them before."""
    _sql.note_unseen(connection, schema=schema, relation=UNSEEN)


def unseen_since(connection: Connection, schema: str) -> datetime | None:
    """Since when own models that are behind those of this schema are so; None where these were never built."""
    since: datetime | None = _sql.unseen_since(connection, schema=schema, relation=UNSEEN)
    return since


def note_seen(connection: Connection, schema: str) -> None:
    """Stores that own models have seen what changed in the models of this schema."""
    _sql.forget(connection, schema=schema, relation=UNSEEN)


def rows_of_models(connection: Connection, schema: str) -> dict[str, int]:
    """How many rows the table of each model has, as far as that was noted."""
    return dict(_sql.rows_of_models(connection, schema=schema))


def note_rows(connection: Connection, schema: str, rows: Mapping[str, int]) -> None:
    """Stores how many rows the tables of these models have."""
    _sql.note_rows(connection, schema=schema, models=list(rows), counts=list(rows.values()))


def forget_rows(connection: Connection, schema: str, models: Collection[str]) -> None:
    """Lets go of how many rows these models have."""
    _sql.forget_rows(connection, schema=schema, models=list(models))


def forget_seen(connection: Connection) -> int:
    """Deletes the changes that all models have seen, and very old ones; returns how many."""
    return int(_sql.forget_seen(connection, days=KEPT_DAYS))
