"""One entity of one portal within one scope, in our copy: it builds the queries and stores the rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from b24_pipeline.bitrix.answers import decoding
from b24_pipeline.bitrix.lists.pages import ListQuery
from b24_pipeline.bitrix.lists.ranges import IdRange
from b24_pipeline.entities import Entity, RowDecoder
from b24_pipeline.entities.decode import row_id, unique
from b24_pipeline.store.crm import merge
from b24_pipeline.store.crm.merge import Merged, Target
from b24_pipeline.store.database.copying import Lines, lines
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.sync.crm.scope import FULL, Scope
from b24_pipeline.sync.job import Job


class EntityCopy:
    """Builds the list queries of an entity within a scope, decodes its rows and merges them into its table.

    Loads, deletions, checks and the drain share it. It also keeps the list of vanished ids of its scope: rows
    that our copy has alive and that a complete read did not show.
    """

    def __init__(self, job: Job, entity: Entity, scope: Scope) -> None:
        selected = job.options.select.get(entity.name)
        self.job = job
        self.entity = entity
        self.scope = scope
        self.decoder = RowDecoder(entity, selected)
        self.target = Target(
            entity.table,
            job.portal.id,
            job.portal.time_zone,
            keep_custom_fields=selected is not None,
            part=entity.part,
        )
        self._fields = (
            entity.select if selected is None else tuple(dict.fromkeys((entity.id_field, *selected)))
        )

    def query(self, scope: Scope | None = None) -> ListQuery:
        """The list query of this scope, or of another scope."""
        conditions = (scope or self.scope).filter(self.entity.modified, self.entity.created)
        return self.query_of(self._fields, conditions)

    def query_of(self, fields: tuple[str, ...], conditions: Mapping[str, Any]) -> ListQuery:
        """The list query of these fields of the rows that meet a filter."""
        entity = self.entity
        return ListQuery(
            entity.method,
            fields,
            conditions,
            params=dict(entity.params),
            id_field=entity.id_field,
            wrapper=entity.wrapper,
            row_params=dict(entity.row_params),
        )

    def query_by_id(self) -> ListQuery:
        """The list query without conditions, to which ids are added."""
        return self.query(FULL)

    def reads_field(self, field: str) -> bool:
        """Whether a standard field is read at all: the selection of fields may leave it out."""
        return "*" in self._fields or field in self._fields

    def ids_of(self, raw_rows: Iterable[Mapping[str, Any]]) -> list[int]:
        """The ids of the portal's rows. Raises KeyError and ValueError where one has none."""
        return [row_id(row, self.entity.id_field) for row in raw_rows]

    def unique(self, raw_rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """The rows with each id once, the last of each."""
        return unique(raw_rows, self.entity.id_field)

    def decoded(self, raw_rows: list[dict[str, Any]]) -> Lines:
        """Rows ready for COPY. Raises UnreadableAnswer where they are no rows of this entity."""
        with decoding(self.job.portal.name, self.entity.name):
            rows = self.decoder.rows(raw_rows)
        return lines(self.target.account, rows)

    def merge(self, connection: Connection, rows: Lines, asked_at: datetime | None = None) -> Merged:
        """Copies decoded rows into the staging table and merges them, in the caller's transaction.

        `asked_at`: see `merge.merge`.
        """
        merge.stage(connection, self.target, self.decoder.names, rows)
        return merge.merge(connection, self.target, self.decoder.names, asked_at)

    def insert(self, connection: Connection, rows: Lines, done: Sequence[IdRange]) -> Merged | None:
        """Inserts all rows of the id ranges `done` if the copy has none; else stores nothing and returns None."""
        return merge.insert(connection, self.target, self.decoder.names, rows, done)

    def note_vanished(self, connection: Connection, ids: IdRange) -> None:
        """Notes as vanished the rows of an id range that are alive in our copy and were not in the last page."""
        merge.note_vanished(
            connection,
            self.target,
            self.entity.name,
            self.scope.name,
            ids,
            self.scope.created,
        )

    def note_vanished_beyond(self, connection: Connection, highest: int) -> None:
        """Notes as vanished the rows of our copy with ids above the portal's highest."""
        merge.stage(connection, self.target, self.decoder.names, Lines())
        self.note_vanished(connection, IdRange(highest, None))

    def vanished_ids(self, connection: Connection) -> list[int]:
        """The ids noted as vanished so far."""
        return merge.vanished(connection, self.target, self.entity.name, self.scope.name)

    def forget_vanished(self, connection: Connection, ids: list[int] | None = None) -> None:
        """Takes these ids off the vanished ones, or all of them."""
        merge.forget_vanished(connection, self.target, self.entity.name, self.scope.name, ids)

    def set_tombstones(self, connection: Connection) -> int:
        """Sets a tombstone for each vanished row and empties the list; returns how many rows were marked."""
        marked = merge.set_tombstones(connection, self.target, self.entity.name, self.scope.name)
        self.forget_vanished(connection)
        return marked
