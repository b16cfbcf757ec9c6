"""What a project consists of: sources, models, and the checks of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

Materialized = Literal["view", "table", "incremental"]
Severity = Literal["error", "warn"]
OnSchemaChange = Literal["append_new_columns", "fail"]


@dataclass(frozen=True)
class Source:
    """A raw table. `key` is how dbt and Dagster call it: ("raw", "deals")."""

    key: tuple[str, str]
    schema: str
    table: str
    description: str = ""

    @property
    def relation(self) -> str:
        """The table as `schema.table`."""
        return f"{self.schema}.{self.table}"


class ByChange(BaseModel):
    """How a build by change keeps a table; dbt does not look at it.

    `replaces` names the model whose rows are the keys that are computed anew; without it these are the keys of the
    rows that the query gives. `within` names the model of the portals that are computed anew; `and_keys`: and besides
    these the keys of the rows that the query gives. A row is left out
    where `empty_when` holds, which is an SQL condition. `part_of` names the model of which the table lists a part:
    where that is a large one, everything is built anew instead.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    replaces: str | None = None
    within: str | None = None
    and_keys: bool = False
    empty_when: str | None = None
    part_of: str | None = None


@dataclass(frozen=True)
class Check:
    """A test: a query that finds the rows that break it.

    `sql` is a Jinja template: of a singular test its file, of a generic one
    the template of its `kind`, which gets `arguments`. `refs` are the models
    that it reads, `model` is the last of them to be built. `is_by_change`: it can look at what changed alone.
    """

    name: str
    kind: str
    model: str
    column: str | None
    severity: Severity
    description: str
    sql: str
    path: Path
    refs: tuple[str, ...]
    arguments: Mapping[str, object] = field(default_factory=dict)
    is_by_change: bool = False


@dataclass(frozen=True)
class Model:
    """One .sql file and what schema.yml says about it.

    `depends_on` are models, `sources` raw tables (`public.bitrix24_deals`),
    `layer` is its folder: staging, intermediate or marts, `schema` where it is built. `indexes` are the columns
    of each index that a table has besides that of its key. `is_by_change`: its query is another one where only
    what changed is computed; `by_change` is how its rows then take the place of the old ones, `compared` are the
    models of which it needs the rows before and after. `keeps_rows`: what it has of earlier builds may be nowhere else,
    so that its table is replaced by a full refresh that names it alone, with `full_refresh` by any (True) or by none
    (False); `on_schema_change` is what becomes of new columns of its query.
    """

    name: str
    path: Path
    sql: str
    layer: str
    schema: str
    materialized: Materialized
    unique_key: tuple[str, ...]
    indexes: tuple[tuple[str, ...], ...]
    depends_on: tuple[str, ...]
    sources: tuple[str, ...]
    description: str
    columns: Mapping[str, str]
    tests: tuple[Check, ...] = ()
    is_by_change: bool = False
    by_change: ByChange = field(default_factory=ByChange)
    compared: tuple[str, ...] = ()
    keeps_rows: bool = False
    full_refresh: bool | None = None
    on_schema_change: OnSchemaChange = "append_new_columns"

    @property
    def is_mart(self) -> bool:
        """Whether the model is for analysts. What other models hold may change, and is not masked."""
        return self.layer == "marts"
