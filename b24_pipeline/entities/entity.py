"""The description of an entity: its methods, its key, and its columns."""

from __future__ import annotations

from dataclasses import dataclass

from b24_pipeline.entities.columns import Column


@dataclass(frozen=True, slots=True)
class Entity:
    """One kind of object that a portal keeps.

    `name` is what the user says (lead, deal, ...), `method` the list method,
    `table` where its rows go, `columns` all but custom fields and the unknown.
    `modified` and `created` are the fields that an incremental sync and a
    backfill filter by. `select` are the names to ask for: multifields must be named one by one.
    `volatile` are fields that change without anybody's doing; they are not kept.
    """

    name: str
    method: str
    table: str
    columns: tuple[Column, ...]
    select: tuple[str, ...]
    volatile: frozenset[str] = frozenset()
    modified: str | None = "DATE_MODIFY"
    created: str | None = "DATE_CREATE"

    @property
    def fields_method(self) -> str:
        """The method of the entity's field catalogue."""
        return self.method.removesuffix("list") + "fields"

    @property
    def user_fields_method(self) -> str:
        """The method that lists the entity's custom fields with labels and options."""
        return self.method.removesuffix("list") + "userfield.list"
