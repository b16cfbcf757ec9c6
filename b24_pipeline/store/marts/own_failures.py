"""Which models of the operator's own failed when they were built last."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection

_sql = queries.load(__file__)


def note(connection: Connection, reasons: Mapping[str, str], *, tried: Collection[str] | None = None) -> None:
    """Stores why each of these models failed; of the others that were tried (None: all) nothing is said any more."""
    with connection.transaction():
        _sql.forget(connection, models=None if tried is None else list(tried))
        for model, reason in reasons.items():
            _sql.note(connection, model=model, reason=reason)


def failures(connection: Connection) -> dict[str, str]:
    """Why each model failed that did, by its name."""
    return dict(_sql.failures(connection))
