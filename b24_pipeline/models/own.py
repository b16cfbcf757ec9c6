"""Models of the operator's own: a folder (B24_MODELS_PATH) that is built after ours, into a schema of its own.

They read our marts by `ref`, one another by `ref`, and tables by `source`. They are computed anew whenever ours
changed: we do not know what they count, so nothing of them is kept by differences. One that fails stops those that
read it, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from psycopg import sql

from b24_pipeline.errors import ModelError
from b24_pipeline.models.build import build_one, only_build, statement_by_statement
from b24_pipeline.models.changed import texts_of
from b24_pipeline.models.checks import has_failed, raise_for_failures
from b24_pipeline.models.project import Project, load_project
from b24_pipeline.models.result import BuildResult, ModelResult
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
    return replace(own, models={name: replace(model, layer=OWN) for name, model in own.models.items()})


def build_own_models(
    connect: Connect,
    ours: Project,
    own: Project,
    *,
    only_changed: bool = False,
    full_refresh: bool = False,
    on_model: Callable[[ModelResult], None] | None = None,
) -> BuildResult:
    """Builds them in order and runs their tests; with `only_changed`, only where ours or their files changed since.

    Raises ModelError, after all were tried, for the first that does not run or fails a test of severity error.
    """
    result = BuildResult()
    errors: dict[str, ModelError] = {}
    with connect() as conn, statement_by_statement(conn), only_build(conn, own):
        state = _state(conn, ours)
        if only_changed and _is_up_to_date(conn, ours, own, state):
            return result
        for done in _built(conn, own, full_refresh=full_refresh, errors=errors):
            result.models.append(done)
            if on_model:
                on_model(done)
        if not errors and not has_failed(result.tests):
            sources.note(conn, own.schema, texts_of(own), {ours.schema: state})
        own_failures.note(conn, _reasons(errors, result))
    for error in errors.values():
        raise error
    raise_for_failures(result.tests)
    return result


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
    conn: Connection, own: Project, *, full_refresh: bool, errors: dict[str, ModelError]
) -> Iterator[ModelResult]:
    """Each that was built; the errors of those that were not are put into `errors`."""
    broken: set[str] = set()
    for model in own.models.values():
        if broken & {*model.depends_on}:
            broken.add(model.name)
            continue
        try:
            result = build_one(conn, own, model, full_refresh, True)
        except ModelError as error:
            errors[model.name] = error
            broken.add(model.name)
            continue
        yield result
        if has_failed(result.tests):
            broken.add(model.name)


def are_behind(conn: Connection, ours: Project, own: Project) -> bool:
    """Whether our models were built of something newer than the tables of these, or these never."""
    if all(model.materialized == "view" for model in own.models.values()):
        return False
    return sources.built(conn, own.schema, texts_of(own)).get(ours.schema) != _state(conn, ours)


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
