"""Models of the operator's own: a folder (B24_MODELS_PATH) that is built after ours, into a schema of its own.

They read our marts by `ref`, one another by `ref`, and tables by `source`. They are computed anew whenever ours
changed: we do not know what they count, so nothing of them is kept by differences. One that fails stops those that
read it, and nothing else. Those that are incremental may be the only ones that have the rows of earlier builds, such
as a snapshot of each day: no build replaces their tables unless it was told to by name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from psycopg import sql

from b24_pipeline.errors import ModelError, UsageError
from b24_pipeline.models.build import build_one, only_build, statement_by_statement
from b24_pipeline.models.changed import texts_of
from b24_pipeline.models.checks import has_failed, raise_for_failures
from b24_pipeline.models.model import Model
from b24_pipeline.models.project import Project, load_project
from b24_pipeline.models.result import BuildResult, ModelResult
from b24_pipeline.models.selection import names_in
from b24_pipeline.models.statements import statement
from b24_pipeline.store.database.relation import rows_of
from b24_pipeline.store.database.warehouse import Connect, Connection
from b24_pipeline.store.marts import own_failures, sources

OWN_SCHEMA = "own_models"
OWN = "own"


def load_own_models(folder: Path, ours: Project) -> Project:
    """The models of a folder, which may refer to our marts. Raises ModelError."""
    if not folder.is_dir():
        raise ModelError(f"B24_MODELS_PATH: {folder} is no folder")
    marts = {name: ours.schema for name, model in ours.models.items() if model.is_mart}
    own = load_project(folder, schema=OWN_SCHEMA, borrowed=marts)
    for name in own.models.keys() & ours.models.keys():
        raise ModelError(
            f"{own.models[name].path}: {name} is a model of b24-pipeline; give yours another name"
        )
    # whatever their folder is called, they are no marts of ours, which analysts' roles may read
    return replace(own, models={name: _as_own(model) for name, model in own.models.items()})


def _as_own(model: Model) -> Model:
    return replace(model, layer=OWN, keeps_rows=model.materialized == "incremental")


def build_own_models(
    connect: Connect,
    ours: Project,
    own: Project,
    *,
    select: str | None = None,
    only_changed: bool = False,
    full_refresh: bool = False,
    on_model: Callable[[ModelResult], None] | None = None,
) -> BuildResult:
    """Builds them in order and runs their tests; with `only_changed`, only where ours or their files changed since.

    A full refresh computes tables from nothing, but goes on with those that keep their rows: of these it replaces what
    `select` names itself, and what its config says it for. Raises ModelError, after all were tried, for the first that
    does not run or fails a test of severity error; UsageError for a selection of models that there are not, or of one
    whose config refuses the refresh.
    """
    names = own.selection(select)
    named = _named(own, select) if full_refresh else frozenset()
    refreshed = named | _without_rows_to_keep(own) if full_refresh else named
    result = BuildResult()
    errors: dict[str, ModelError] = {}
    with connect() as conn, statement_by_statement(conn), only_build(conn, own):
        state = _state(conn, ours)
        if only_changed and _is_up_to_date(conn, ours, own, state):
            return result
        errors |= _losses(conn, own, {*names} - named)
        for done in _built(conn, own, names, refreshed, errors):
            result.models.append(done)
            if on_model:
                on_model(done)
        if errors or has_failed(result.tests):
            sources.forget(conn, own.schema, ours.schema)  # so that the next build tries again
        elif select is None:
            sources.note(conn, own.schema, texts_of(own), {ours.schema: state})
            sources.note_seen(conn, ours.schema)
        _note_kept(conn, own, result.models)
        own_failures.note(conn, _reasons(errors, result), tried=names if select else None)
    for error in errors.values():
        raise error
    raise_for_failures(result.tests)
    return result


def _named(own: Project, select: str | None) -> frozenset[str]:
    """The models that a selection names itself; UsageError for one that no full refresh may replace."""
    named = frozenset(name for name in names_in(select or "") if name in own.models)
    for name in sorted(named):
        model = own.models[name]
        if model.keeps_rows and model.full_refresh is False:
            raise UsageError(
                f"{name}: full_refresh=false in its config(...) keeps its rows: take that out to have them replaced"
            )
    return named


def _without_rows_to_keep(own: Project) -> frozenset[str]:
    """The models that any full refresh computes from nothing."""
    models = own.models.values()
    return frozenset(model.name for model in models if not model.keeps_rows or model.full_refresh)


def _losses(conn: Connection, own: Project, names: Collection[str]) -> dict[str, ModelError]:
    """Of these models, those that kept their rows when they were built last and would now drop them, each refused."""
    kept = sources.rows_of_models(conn, own.schema).keys() & {*stored_own_models(conn)}
    lost = [own.models[name] for name in sorted(kept & {*names}) if not own.models[name].keeps_rows]
    return {
        model.name: ModelError(
            f"{model.name}: {own.schema}.{model.name} keeps rows of earlier builds, which "
            f"materialized={model.materialized!r} would drop. Nothing was changed. Make it 'incremental' again, or, to "
            f"lose what only its old rows have: b24 models --full-refresh --select {model.name}"
        )
        for model in lost
    }


def _note_kept(conn: Connection, own: Project, built: Collection[ModelResult]) -> None:
    """Stores which tables keep their rows, for the day on which a config forgets it."""
    kept = {done.name: done.rows or 0 for done in built if own.models[done.name].keeps_rows}
    sources.note_rows(conn, own.schema, kept)
    sources.forget_rows(conn, own.schema, [done.name for done in built if done.name not in kept])


def stored_own_models(connection: Connection) -> list[str]:
    """The names of what stands in the schema of own models, whoever has built it; sorted."""
    found = rows_of(connection, statement("list_relations", schemas=sql.Literal([OWN_SCHEMA])))
    return sorted(str(row["relname"]) for row in found)


def _reasons(errors: Mapping[str, ModelError], built: BuildResult) -> dict[str, str]:
    """By model, why it was not built, or the first of its tests that failed."""
    tests = [test for model in built.models for test in model.tests if has_failed([test])]
    failed = {test.model: f"test {test.name} failed on {test.failures} rows" for test in reversed(tests)}
    return failed | {name: str(error).removeprefix(f"{name}: ") for name, error in errors.items()}


def _built(
    conn: Connection,
    own: Project,
    names: Collection[str],
    refreshed: Collection[str],
    errors: dict[str, ModelError],
) -> Iterator[ModelResult]:
    """Each of these that was built; the errors of those that were not are put to those that `errors` has before."""
    broken: set[str] = {*errors}
    for model in [own.models[name] for name in names]:
        if broken & {model.name, *model.depends_on}:
            broken.add(model.name)
            continue
        try:
            result = build_one(conn, own, model, model.name in refreshed, True)
        except ModelError as error:
            errors[model.name] = error
            broken.add(model.name)
            continue
        yield result
        if has_failed(result.tests):
            broken.add(model.name)


def behind_since(conn: Connection, ours: Project, own: Project) -> datetime | None:
    """When our models were first built of something that the tables of these have not seen; None for nothing.

    The last such build does not tell it: while a portal moves, it is never long ago.
    """
    if all(model.materialized == "view" for model in own.models.values()):
        return None
    if sources.built(conn, own.schema, texts_of(own)).get(ours.schema) == _state(conn, ours):
        return None
    return sources.unseen_since(conn, ours.schema)


def _state(conn: Connection, ours: Project) -> str:
    """As of what our models were built: another one each time that something changed."""
    built = sorted(sources.built(conn, ours.schema, texts_of(ours)).items())
    return sha256(repr(built).encode()).hexdigest()


def _is_up_to_date(conn: Connection, ours: Project, own: Project, state: str) -> bool:
    """Whether all are there, and nothing that they read can have changed.

    Of tables that ours do not read nothing is known.
    """
    there = rows_of(conn, statement("list_relations", schemas=sql.Literal([own.schema])))
    if not own.models.keys() <= {row["relname"] for row in there}:
        return False  # dropped by hand, or by whoever has replaced what they read
    known = {source.relation for source in ours.sources.values()} - {sources.PROGRESS}
    known |= {f"{schema}.{name}" for name, schema in own.borrowed.items()}
    reads = {relation for model in own.models.values() for relation in model.sources}
    noted = sources.built(conn, own.schema, texts_of(own))
    return reads <= known and noted.get(ours.schema) == state
