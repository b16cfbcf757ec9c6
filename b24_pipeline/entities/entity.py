"""The description of an entity: how it is asked for, and where its rows go."""

from __future__ import annotations

from dataclasses import dataclass

from b24_pipeline.entities.columns import Column
from b24_pipeline.entities.events import NO_EVENTS, Events
from b24_pipeline.entities.history import History

FixedParams = tuple[tuple[str, int | str], ...]
"""Parameters of a method that are the same in each call, by their names."""


@dataclass(frozen=True, slots=True)
class FieldCatalogue:
    """How the fields of an entity are asked for.

    `method` answers with the fields by name, inside of `wrapper` where there is one. `labels` is the method that
    tells the labels and options of custom fields; None where `method` tells them as well.
    """

    method: str
    labels: str | None = None
    wrapper: str | None = None


@dataclass(frozen=True, slots=True)
class StageDirectories:
    """Which directories of `crm.status.list` hold the stages of an entity (docs/bitrix24-rest.md, section 6.4).

    `default` holds those of pipeline 0, and a number behind `numbered` is the pipeline of the others. `pipeline` is
    the name of the one pipeline of an entity that has no others, so that the portal is not asked for them.
    """

    default: str | None = None
    numbered: str | None = None
    pipeline: str | None = None

    def pipeline_of(self, directory: str) -> int | None:
        """The number of the pipeline whose stages a directory holds; None for any other directory."""
        if directory == self.default:
            return 0
        if self.numbered is None or not directory.startswith(self.numbered):
            return None
        number = directory.removeprefix(self.numbered)
        return int(number) if number.isdecimal() else None


@dataclass(frozen=True, slots=True)
class Entity:
    """One kind of object that a portal keeps.

    `name` is what the user says (lead, deal, ...), `type_id` the portal's number of it, `method` the list method,
    `table` where its rows go, `columns` all but custom fields and the unknown, the id first.
    `modified` and `created` are the fields that an incremental sync and a
    backfill filter by. `select` are the names to ask for: multifields must be named one by one.
    `volatile` are fields that change without anybody's doing; they are not kept.

    `id_field` is how the methods spell the id. `params` go with every call, `row_params` where whole rows are asked
    for. `wrapper` is the key around the rows of the list, `single` the one around the row of `get`.
    `gathered` are JSON columns, each with the beginning of the names of the fields that it takes. `constants` are
    columns that are the same in all rows, with their text; a table of several entities has `entity_type` among them.
    `catalogue` and `stages` say where its fields and stages are told, `history` where its moves are, and `events`
    which events tell of it.
    """

    name: str
    method: str
    table: str
    columns: tuple[Column, ...]
    select: tuple[str, ...]
    volatile: frozenset[str] = frozenset()
    modified: str | None = "DATE_MODIFY"
    created: str | None = "DATE_CREATE"
    type_id: int | None = None
    id_field: str = "ID"
    params: FixedParams = ()
    row_params: FixedParams = ()
    wrapper: str | None = None
    single: str | None = None
    gathered: tuple[tuple[str, str], ...] = ()
    constants: tuple[tuple[str, str], ...] = ()
    catalogue: FieldCatalogue | None = None
    stages: StageDirectories | None = None
    history: History | None = None
    events: Events = NO_EVENTS

    @property
    def get_method(self) -> str:
        """The method that reads one object by its id, or says why not."""
        return self.method.removesuffix("list") + "get"

    @property
    def part(self) -> str | None:
        """The `entity_type` of its rows where its table holds several entities; None where the table is its own."""
        return dict(self.constants).get("entity_type")
