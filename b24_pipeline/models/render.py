"""Turns a model's or a check's template into SQL."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jinja2 import Template, TemplateError
from psycopg import sql

from b24_pipeline.errors import ModelError
from b24_pipeline.models.statements import statement
from b24_pipeline.models.template import ENVIRONMENT
from b24_pipeline.store.database.statements import query, quoted

if TYPE_CHECKING:
    from b24_pipeline.models.model import Check, Model
    from b24_pipeline.models.project import Project


def model_sql(project: Project, model: Model, *, incremental: bool = False, upto: str | None = None) -> str:
    """The query of a model; `incremental` is what its `is_incremental()` answers.

    With `upto`, the snapshot that the last build has seen, only what changed since then is computed.
    """
    context = _context(project, upto) | {
        "is_incremental": lambda: incremental,
        "this": quoted(model.schema, model.name),
    }
    return _render(model.sql, context, str(model.path))


def check_sql(project: Project, check: Check, *, rows: str | None = None, upto: str | None = None) -> str:
    """The query that finds the rows that break a check.

    `rows` is a relation that stands for the model: those of its rows that are looked at. `upto` is as in `model_sql`.
    """
    context = _context(project, upto)
    if check.kind != "singular":
        context |= {"model": rows or _quoted(project, check.model), "column_name": check.column}
        context |= {name: _argument(project, value) for name, value in check.arguments.items()}
    return _render(check.sql, context, check.name)


def replaced(model: str) -> str:
    """The quoted name of a model's rows that this build has replaced or deleted, as they were."""
    return quoted("pg_temp", f"{model}__replaced")


def written(model: str) -> str:
    """The quoted name of a model's rows that this build has written."""
    return quoted("pg_temp", f"{model}__written")


def _argument(project: Project, value: object) -> object:
    if isinstance(value, list):
        return [sql.quote(item) for item in value]
    return value


def differences(model: str) -> str:
    """A model's rows that this build has replaced and written, with the column `times`: -1 and 1. A relation."""
    rows = statement("differences", old_rows=query(replaced(model)), new_rows=query(written(model)))
    return f"({rows.as_string(None)}) as differences"


def _context(project: Project, upto: str | None) -> dict[str, Any]:
    variables = dict(project.variables)
    if upto is not None:
        variables |= {"by_change": True, "built_upto": upto}
    return {
        "ref": lambda name: _quoted(project, name),
        "replaced": replaced,
        "written": written,
        "differences": differences,
        "source": lambda group, table: _source(project, group, table),
        "var": variables.get,
        "config": lambda **_: "",
    }


def _quoted(project: Project, name: str) -> str:
    return project.relation(name).as_string(None)


def _source(project: Project, group: str, table: str) -> str:
    source = project.sources[group, table]
    return quoted(source.schema, source.table)


def _render(text: str, context: Mapping[str, Any], name: str) -> str:
    try:
        return textwrap.dedent(_template(text).render(context)).strip()
    except TemplateError as error:
        raise ModelError(f"{name}: cannot be rendered: {error}") from error


@lru_cache(maxsize=1024)
def _template(text: str) -> Template:
    """A drain builds again and again: to compile the same texts each time was a fourth of a small build."""
    return ENVIRONMENT.from_string(text)
