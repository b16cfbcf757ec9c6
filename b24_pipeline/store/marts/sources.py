"""What the models were built from: the state of each table that they read, then and now."""

from __future__ import annotations

from collections.abc import Mapping

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection

_sql = queries.load(__file__)

States = Mapping[str, str]
"""The state of each table by its name, such as `public.bitrix24_deals`: equal states, equal rows, unless `is_ahead`."""


AHEAD = " ahead"


def is_ahead(state: str) -> bool:
    """Whether the table had rows that are younger than the clock: it was put back, and no stamp tells what changed."""
    return state.endswith(AHEAD)


def states(connection: Connection) -> dict[str, str]:
    """The present state of each table that the models read."""
    found = [*_sql.states_of_the_copy(connection), *_sql.states_beside_the_copy(connection)]
    return {relation: state or "" for relation, state in found}


def built(connection: Connection, schema: str, models: str) -> dict[str, str]:
    """As of which states the models of this schema were built; none for those built from other models' texts."""
    found = _sql.built(connection, schema=schema)
    return {relation: state for relation, state, texts in found if texts == models}


def note(connection: Connection, schema: str, models: str, done: States) -> None:
    """Stores that all models above these tables were built as of these states; `models`: the sum of their texts."""
    _sql.note(connection, schema=schema, models=models, relations=list(done), states=list(done.values()))
