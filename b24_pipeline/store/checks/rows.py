"""The stored side of a reconciliation: how many rows lie in a slice, and which.

A place is an id on the axis `ID`, and a second since 1970 on the axis
`DATE_MODIFY`. Sorted thresholds part an axis into slices: slice 0 lies below
the first of them, slice n from the n-th on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import psycopg

from b24_pipeline.store.database import queries

_sql = queries.load(__file__)

Within = tuple[int | None, int | None]
"""Seconds since 1970 (from, before); None where that end is open."""


def bounds(
    connection: psycopg.Connection,
    account: UUID,
    entity: str,
    axis: str,
    thresholds: Sequence[int],
    slices: Sequence[int],
    parts: int,
) -> dict[int, list[int]]:
    """By slice, the places that cut its rows alive into `parts` parts of about the same size."""
    fractions = [number / parts for number in range(1, parts)]
    found = _sql.bounds(
        connection,
        entity=entity,
        account=account,
        axis=axis,
        thresholds=list(thresholds),
        slices=list(slices),
        fractions=fractions,
    )
    return {number: sorted(set(places)) for number, places in found}


def counts(
    connection: psycopg.Connection, account: UUID, entity: str, axis: str, thresholds: Sequence[int]
) -> dict[int, int]:
    """By slice, how many rows are alive in it; slices without rows are left out."""
    return dict(
        _sql.counts(connection, entity=entity, account=account, axis=axis, thresholds=list(thresholds))
    )


def stamps(
    connection: psycopg.Connection,
    account: UUID,
    entity: str,
    after: int,
    upto: int | None,
    modified: Within = (None, None),
) -> dict[int, datetime | None]:
    """By id, when each row alive with an id in (after, upto] was modified."""
    return dict(
        _sql.stamps(
            connection,
            entity=entity,
            account=account,
            after=after,
            upto=upto,
            modified_from=modified[0],
            modified_before=modified[1],
        )
    )


def known(connection: psycopg.Connection, account: UUID, entity: str, ids: Sequence[int]) -> int:
    """How many of these ids are stored and not deleted."""
    return int(_sql.known(connection, account=account, entity=entity, ids=list(ids)))


def highest(connection: psycopg.Connection, account: UUID) -> dict[str, int]:
    """By entity, the highest id of our rows that are not deleted; an entity without rows is left out."""
    return {
        entity: int(number)
        for entity, number in _sql.highest(connection, account=account)
        if number is not None
    }


def note_gone(
    connection: psycopg.Connection, account: UUID, entity: str, scope: str, ids: Sequence[int]
) -> None:
    """Notes rows that the portal did not show, so that they are asked for by id."""
    _sql.note_gone(connection, account=account, entity=entity, scope=scope, ids=list(ids))
