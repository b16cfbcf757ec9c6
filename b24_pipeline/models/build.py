"""Builds the models of a project in order and tests each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

import psycopg
import stamina
from psycopg import sql
from psycopg.pq import TransactionStatus

from b24_pipeline.errors import ModelError
from b24_pipeline.models.changed import SourceStates
from b24_pipeline.models.checks import TestResult, has_failed, raise_for_failures, run_check
from b24_pipeline.models.materialize import materialize
from b24_pipeline.models.model import Model
from b24_pipeline.models.project import Project
from b24_pipeline.models.result import BuildResult, ModelResult
from b24_pipeline.models.scheduler import side_by_side
from b24_pipeline.models.statements import statement
from b24_pipeline.models.update import Update, update
from b24_pipeline.store.database.faults import described, is_passing
from b24_pipeline.store.database.locks import held_on
from b24_pipeline.store.database.relation import rows_of
from b24_pipeline.store.database.warehouse import Connect, Connection, is_done_again
from b24_pipeline.store.marts import sources
from b24_pipeline.store.marts.analysts import grant_on

AT_ONCE = 2
"""Connections of one build; a large query keeps more than one core of the server busy by itself."""


def build(
    connect: Connect,
    project: Project,
    *,
    select: str | None = None,
    full_refresh: bool = False,
    only_changed: bool = False,
    on_model: Callable[[ModelResult], None] | None = None,
    with_tests: bool = True,
    raise_on_failure: bool = True,
) -> BuildResult:
    """Bring the models up to date, and run their tests.

    Where it is known what changed since the last build, all tables are updated by that in one transaction: see
    `update.py`. With `only_changed`, the tests then look at what changed alone, and other models are no part of the
    result; else all tests are run on all rows. Otherwise, and with `full_refresh` or a selection, the models are
    computed anew, each in one transaction, and its tests are run after it; models that do not read one another are
    built side by side, AT_ONCE of them.

    Holds the schema's build lock all the while: a second build waits. `on_model` is called after each model, also after
    one whose test fails. Raises ModelError for a query that does not run and, unless `raise_on_failure` is false, for a
    failed test of severity error: what was built before stays, what reads the failed model is not built.
    """
    result = BuildResult()
    names = project.selection(select)

    def report(done: ModelResult) -> None:
        result.models.append(done)
        if on_model:
            on_model(done)

    by_change = select is None and not full_refresh
    options = _Options(full_refresh, only_changed, by_change, with_tests, raise_on_failure)
    # a session that is ended takes the models that are not built yet with it: they are built on another
    for attempt in stamina.retry_context(on=is_done_again, attempts=4, timeout=None, wait_initial=0.1):
        with attempt:
            built = {done.name for done in result.models}
            _build_rest(
                connect, project, [name for name in names if name not in built], options, result, report
            )
    if raise_on_failure:
        raise_for_failures(result.tests)
    return result


@dataclass(frozen=True)
class _Options:
    """The options of a build, as `build` describes them. `by_change`: tables may be updated by what changed."""

    full_refresh: bool
    only_changed: bool
    by_change: bool
    with_tests: bool
    raise_on_failure: bool


def _build_rest(
    connect: Connect,
    project: Project,
    names: list[str],
    options: _Options,
    result: BuildResult,
    report: Callable[[ModelResult], None],
) -> None:
    """Builds these models under the schema's lock, and notes of which state of the sources all of `result` are."""
    with connect() as conn, _statement_by_statement(conn), _only_build(conn, project.schema):
        updated = None
        # a part that was built anew is of another moment than the rest: that is then built anew, too
        if options.by_change and not result.models:
            updated = update(conn, project, with_tests=options.with_tests and options.only_changed)
        if updated is None:
            _build_anew(conn, connect, project, names, options, result, report)
        elif options.only_changed:
            for done in updated.models:
                report(done)
        else:
            _report_all(conn, project, updated, options, report)
            if has_failed(result.tests):
                sources.forget(conn, project.schema)
        if updated:
            result.changed_sources = updated.changed_sources
        if result.changed_sources:
            sources.forget_seen(conn)


def _build_anew(
    conn: Connection,
    connect: Connect,
    project: Project,
    names: list[str],
    options: _Options,
    result: BuildResult,
    report: Callable[[ModelResult], None],
) -> None:
    """Computes these models anew, each in a transaction of its own."""
    with ExitStack() as stack:
        states = SourceStates.read(conn, project)
        if options.only_changed and states.logged is not None:
            names = [name for name in names if name in states.to_build]
        result.changed_sources = states.changed
        extra_connections = [stack.enter_context(_another(connect)) for _ in names[1:AT_ONCE]]

        def work(own: Connection, name: str) -> ModelResult:
            return _build_one(own, project, project.models[name], options.full_refresh, options.with_tests)

        def stops(done: ModelResult) -> bool:
            return options.raise_on_failure and has_failed(done.tests)

        for done in side_by_side(project, names, [conn, *extra_connections], work, stops):
            report(done)
        sources.note_rows(
            conn, project.schema, {done.name: done.rows for done in result.models if done.rows is not None}
        )
        if options.with_tests:
            states.note(conn, [done.name for done in result.models if not has_failed(done.tests)])


def _report_all(
    conn: Connection,
    project: Project,
    updated: Update,
    options: _Options,
    report: Callable[[ModelResult], None],
) -> None:
    """Reports all models, those that an update has not touched too, each with all its tests on all rows."""
    done = {model.name: model for model in updated.models}
    rows = sources.rows_of_models(conn, project.schema)
    for model in project.models.values():
        tests = [run_check(conn, project, test) for test in model.tests] if options.with_tests else []
        one = done.get(model.name) or ModelResult(
            name=model.name,
            materialized=model.materialized,
            action="view" if model.materialized == "view" else "incremental",
            rows=rows.get(model.name),
            changed=None if model.materialized == "view" else 0,
            seconds=0.0,
            columns=updated.columns[model.name],
        )
        report(replace(one, tests=tuple(tests)))


def run_tests(connect: Connect, project: Project, *, select: str | None = None) -> list[TestResult]:
    """Run the tests of the selected models on the tables as they are; raises for no failed test."""
    names = project.selection(select)
    with connect() as conn, _statement_by_statement(conn):
        return [run_check(conn, project, test) for name in names for test in project.models[name].tests]


def _build_one(
    conn: Connection, project: Project, model: Model, full_refresh: bool, with_tests: bool
) -> ModelResult:
    started = time.perf_counter()
    try:
        with conn.transaction():
            conn.execute(statement("allow_memory"))
            conn.execute(statement("prefer_indexes"))
            conn.execute(statement("forbid_compiling"))
            outcome = materialize(conn, project, model, full_refresh=full_refresh)
            if model.is_mart:
                grant_on(conn, project.schema, model.name)
        if outcome.is_mostly_new:
            conn.execute(statement("vacuum", relation=sql.Identifier(project.schema, model.name)))
    except psycopg.Error as error:
        if is_passing(error):
            raise
        raise ModelError(f"{model.name}: {described(error)} ({model.path})") from None
    seconds = time.perf_counter() - started
    tests = [run_check(conn, project, test) for test in model.tests] if with_tests else []
    return ModelResult(
        name=model.name,
        materialized=model.materialized,
        action=outcome.action,
        rows=outcome.rows,
        changed=outcome.changed,
        seconds=seconds,
        columns=outcome.columns,
        tests=tuple(tests),
    )


@contextmanager
def _another(connect: Connect) -> Iterator[Connection]:
    with connect() as conn, _statement_by_statement(conn):
        yield conn


@contextmanager
def _statement_by_statement(conn: Connection) -> Iterator[None]:
    """Autocommit, so that each model's transaction is a real one and not part of a larger."""
    before = conn.autocommit
    if conn.info.transaction_status != TransactionStatus.IDLE:
        raise ModelError("models cannot be built on a connection that is inside a transaction")
    conn.autocommit = True
    try:
        yield
    finally:
        if not conn.closed:
            conn.autocommit = before


@contextmanager
def _only_build(conn: Connection, schema: str) -> Iterator[None]:
    named = sql.Literal(schema)
    conn.execute(statement("stay"))
    with held_on(conn, f"models of {schema}"):
        if not rows_of(conn, statement("find_schema", schema_name=named)):
            conn.execute(statement("create_schema", schema=sql.Identifier(schema)))
        yield
