"""Moves as a table of `crm.stagehistory.list` (docs/bitrix24-rest.md, section 6.5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from b24_pipeline.sandbox.data.dates import identifiers
from b24_pipeline.sandbox.data.journeys import Ints, Moves, Tracks
from b24_pipeline.sandbox.rows.codecs import Moment, Whole
from b24_pipeline.sandbox.rows.columns import CellColumn, Coded, Numbers
from b24_pipeline.sandbox.rows.table import Table

HISTORY_FIELDS: dict[str, tuple[str, ...]] = {
    "lead": ("ID", "TYPE_ID", "OWNER_ID", "CREATED_TIME", "STATUS_SEMANTIC_ID", "STATUS_ID"),
    "deal": ("ID", "TYPE_ID", "OWNER_ID", "CREATED_TIME", "CATEGORY_ID", "STAGE_SEMANTIC_ID", "STAGE_ID"),
}


def history_table(
    rng: np.random.Generator, entity_type: str, tracks: Tracks, moves: Moves, owner_ids: Ints
) -> Table:
    """Ids ascend with time; every value is text on the wire, as recorded."""
    ids = identifiers(rng, len(moves.owner), 1000)
    return _table("STATUS" if entity_type == "lead" else "STAGE", ids, tracks, moves, owner_ids)


def _table(prefix: str, ids: Ints, tracks: Tracks, moves: Moves, owner_ids: Ints) -> Table:
    columns: dict[str, CellColumn] = {
        "ID": Numbers(ids, Whole()),
        "TYPE_ID": Numbers(moves.type, Whole()),
        "OWNER_ID": Numbers(owner_ids[moves.owner], Whole()),
        "CREATED_TIME": Numbers(moves.moment, Moment()),
        "CATEGORY_ID": Numbers(moves.category, Whole()),
        f"{prefix}_SEMANTIC_ID": semantics_column(tracks, moves.stage),
        f"{prefix}_ID": stage_column(tracks, moves.stage),
    }
    return Table(ids, columns)


def item_history(ids: Ints, tracks: Tracks, moves: Moves, owner_ids: Ints) -> Table:
    """The rows of one type of items; ids are given, for all types share one table."""
    return _table("STAGE", ids, tracks, moves, owner_ids)


def empty_item_history() -> Table:
    """No rows yet."""
    nothing = np.zeros(0, dtype=np.int64)
    columns: dict[str, CellColumn] = {
        name: Numbers(nothing, Moment() if name == "CREATED_TIME" else Whole())
        for name in ("ID", "TYPE_ID", "OWNER_ID", "CREATED_TIME", "CATEGORY_ID")
    }
    columns |= {name: Coded(nothing, [""], None, str) for name in ("STAGE_SEMANTIC_ID", "STAGE_ID")}
    return Table(nothing, columns)


def history_fields(entity_type: str) -> tuple[str, ...]:
    """The fields of an entity type's rows; those of items are those of deals."""
    return HISTORY_FIELDS.get(entity_type, HISTORY_FIELDS["deal"])


def stage_column(tracks: Tracks, stages: Ints) -> Coded:
    """Stage codes; text on the wire."""
    return Coded(stages, list(tracks.stage_codes), None, str)


def semantics_column(tracks: Tracks, stages: Ints) -> Coded:
    """P, S or F of each stage."""
    signs: Sequence[Any] = ("P", "S", "F")
    return Coded(np.array([signs.index(sign) for sign in tracks.semantics])[stages], list(signs), None, str)
