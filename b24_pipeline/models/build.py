"""Builds the models of a project in order and tests each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

import psycopg
import stamina
from psycopg import sql
from psycopg.pq import TransactionStatus

from b24_pipeline.errors import ModelError
from b24_pipeline.models.changed import SourceStates
from b24_pipeline.models.checks import TestResult, has_failed, raise_for_failures, run_checks
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
    options = _Options(select is None, full_refresh, only_changed, with_tests, raise_on_failure)
    under_way = _Build(connect, project, options, on_model)
    names = project.selection(select)
    # a session that is ended takes the models that are not built yet with it: they are built on another
    for attempt in stamina.retry_context(on=is_done_again, attempts=4, timeout=None, wait_initial=0.1):
        with attempt:
            under_way.run(names)
    if raise_on_failure:
        raise_for_failures(under_way.result.tests)
    return under_way.result


@dataclass(frozen=True)
class _Options:
    """The options of a build, as `build` describes them. `of_all`: no models were selected."""

    of_all: bool
    full_refresh: bool
    only_changed: bool
    with_tests: bool
    raise_on_failure: bool


@dataclass
class _Build:
    """One build, which may take several sessions. `states` are those before the first model was computed anew."""

    connect: Connect
    project: Project
    options: _Options
    on_model: Callable[[ModelResult], None] | None
    result: BuildResult = field(default_factory=BuildResult)
    states: SourceStates | None = None

    def run(self, names: Sequence[str]) -> None:
        """Builds what is left of these models under the schema's lock."""
        with (
            self.connect() as conn,
            statement_by_statement(conn),
            only_build(conn, self.project),
        ):
            updated = None
            if self.options.of_all and not self.options.full_refresh and self.states is None:
                with_tests = self.options.with_tests and self.options.only_changed
                updated = update(conn, self.project, with_tests=with_tests)
            if updated is None:
                self._build_anew(conn, names)
            else:
                self._report_update(conn, updated)
            if self.result.changed_sources:
                sources.forget_seen(conn)

    def _report(self, done: ModelResult) -> None:
        self.result.models.append(done)
        if self.on_model:
            self.on_model(done)

    def _build_anew(self, conn: Connection, names: Sequence[str]) -> None:
        """Computes these models anew, each in a transaction of its own, and notes of which states they are.

        Until all are there, what was counted does not fit what it was counted of: the next build must not go on
        from it by change.
        """
        states = self.states = self.states or SourceStates.read(conn, self.project)
        self.result.changed_sources = states.changed
        wanted = {*names}
        if self.options.only_changed and states.logged is not None:
            wanted &= {*states.to_build}
        wanted -= {done.name for done in self.result.models}
        sources.forget(conn, self.project.schema)
        with ExitStack() as stack:
            left = [name for name in names if name in wanted]
            connections = [conn, *(stack.enter_context(_another(self.connect)) for _ in left[1:AT_ONCE])]
            for done in side_by_side(self.project, left, connections, self._build_one, self._stops):
                self._report(done)
        self._note(conn, states)

    def _note(self, conn: Connection, states: SourceStates) -> None:
        models = self.result.models
        rows = {done.name: done.rows for done in models if done.rows is not None}
        sources.note_rows(conn, self.project.schema, rows)
        if self.options.with_tests:
            states.note(conn, [done.name for done in models if not has_failed(done.tests)])

    def _build_one(self, conn: Connection, name: str) -> ModelResult:
        options = self.options
        return build_one(
            conn, self.project, self.project.models[name], options.full_refresh, options.with_tests
        )

    def _stops(self, done: ModelResult) -> bool:
        return self.options.raise_on_failure and has_failed(done.tests)

    def _report_update(self, conn: Connection, updated: Update) -> None:
        """Reports what an update did; where all tests are asked for, all models, each with its tests on all rows."""
        self.result.changed_sources = updated.changed_sources
        if self.options.only_changed:
            for done in updated.models:
                self._report(done)
            return
        for done in _all_models(conn, self.project, updated):
            tests = self.project.models[done.name].tests if self.options.with_tests else ()
            self._report(replace(done, tests=tuple(run_checks(conn, self.project, tests))))
        if has_failed(self.result.tests):
            sources.forget(conn, self.project.schema)


def _all_models(conn: Connection, project: Project, updated: Update) -> Iterator[ModelResult]:
    """What an update did to each model, in building order; nothing to those that it has not touched."""
    done = {model.name: model for model in updated.models}
    rows = sources.rows_of_models(conn, project.schema)
    for model in project.models.values():
        is_view = model.materialized == "view"
        yield done.get(model.name) or ModelResult(
            name=model.name,
            materialized=model.materialized,
            action="view" if is_view else "incremental",
            rows=rows.get(model.name),
            changed=None if is_view else 0,
            seconds=0.0,
            columns=updated.columns[model.name],
        )


def run_tests(connect: Connect, project: Project, *, select: str | None = None) -> list[TestResult]:
    """Run the tests of the selected models on the tables as they are; raises for no failed test."""
    names = project.selection(select)
    with connect() as conn, statement_by_statement(conn):
        return [test for name in names for test in run_checks(conn, project, project.models[name].tests)]


def build_one(
    conn: Connection, project: Project, model: Model, full_refresh: bool, with_tests: bool
) -> ModelResult:
    """Computes one model anew in a transaction of its own, then runs its tests. Raises ModelError."""
    started = time.perf_counter()
    try:
        with conn.transaction():
            conn.execute(statement("allow_memory"))
            conn.execute(statement("prefer_indexes"))
            conn.execute(statement("forbid_compiling"))
            outcome = materialize(conn, project, model, full_refresh=full_refresh)
            if model.is_mart:
                grant_on(conn, model.schema, model.name)
        if outcome.is_mostly_new:
            conn.execute(statement("vacuum", relation=project.relation(model.name)))
    except psycopg.Error as error:
        if is_passing(error):
            raise
        raise ModelError(f"{model.name}: {described(error)} ({model.path})") from None
    seconds = time.perf_counter() - started
    tests = run_checks(conn, project, model.tests) if with_tests else []
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
    with connect() as conn, statement_by_statement(conn):
        yield conn


@contextmanager
def statement_by_statement(conn: Connection) -> Iterator[None]:
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
def only_build(conn: Connection, project: Project) -> Iterator[None]:
    """Holds the build lock of a project during the block, and makes its schemas where they are not there."""
    conn.execute(statement("stay"))
    with held_on(conn, f"models of {project.schema}"):
        for schema in project.schemas:
            if not rows_of(conn, statement("find_schema", schema_name=sql.Literal(schema))):
                conn.execute(statement("create_schema", schema=sql.Identifier(schema)))
        yield
