"""Brings all tables of a project up to date by what changed, in one transaction of one moment.

So either every figure has a change or none has, and what a table counts is always what the tables below it
hold. Where this is not possible, because too much changed or a test fails, nothing is done, and everything has to
be built anew.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import psycopg

from b24_pipeline.errors import ModelError
from b24_pipeline.log import logger
from b24_pipeline.models.by_change import keep_empty, update_by_change
from b24_pipeline.models.changed import SourceStates
from b24_pipeline.models.checks import TestResult, has_failed, run_checks
from b24_pipeline.models.materialize import BuiltRelation
from b24_pipeline.models.model import Model
from b24_pipeline.models.project import Project
from b24_pipeline.models.render import written
from b24_pipeline.models.result import ModelResult
from b24_pipeline.models.statements import statement
from b24_pipeline.store.database.faults import described, is_passing
from b24_pipeline.store.database.relation import rows_of
from b24_pipeline.store.database.statements import columns_of, query
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.store.marts import sources

log = logger("models")

LARGE_PART = 0.4
"""More than this part of the entities is computed faster with all others than one by one."""

FEW = 5_000
"""So many are computed one by one, whatever part they are."""


class CannotUpdateError(Exception):
    """The tables cannot be brought up to date by what changed; its text says why."""


@dataclass(frozen=True)
class Update:
    """What an update did: the models above what changed, the tables that had changed, and the columns of all models."""

    models: list[ModelResult]
    changed_sources: Collection[str]
    columns: Mapping[str, tuple[str, ...]]


def update(conn: Connection, project: Project, *, with_tests: bool) -> Update | None:
    """Updates the tables above what changed; None where everything has to be built anew. Holds no lock itself.

    With tests, those that can look at what changed alone are run. Raises ModelError for a query that does not run.
    """
    try:
        with conn.transaction():
            conn.execute(statement("one_moment"))
            states = SourceStates.read(conn, project)
            if not states.can_update:
                return None
            done = _Update(conn, project, states, with_tests=with_tests).run() if states.changed else []
            if states.changed:
                states.note(conn, project.models)
            return Update(done, states.changed, states.existing)
    except CannotUpdateError as reason:
        log.info("all models are built anew", reason=str(reason))
        return None


@dataclass
class _Update:
    """One update under way. `touched` are the models that hold other rows than before, `rows` how many each has."""

    conn: Connection
    project: Project
    states: SourceStates
    with_tests: bool
    touched: set[str] = field(default_factory=set)
    rows: dict[str, int] = field(default_factory=dict)

    def run(self) -> list[ModelResult]:
        for name in ("allow_memory", "prefer_indexes", "forbid_compiling"):
            self.conn.execute(statement(name))
        self.rows = sources.rows_of_models(self.conn, self.project.schema)
        models = self.project.models.values()
        compared = {name for model in models for name in model.compared}
        done: list[ModelResult] = []
        for model in models:
            if self._is_above_change(model):
                done.append(self._done(model))
            elif model.name in compared:
                keep_empty(self.conn, self.project, model)
        sources.note_rows(
            self.conn, self.project.schema, {each.name: each.rows for each in done if each.rows is not None}
        )
        return done

    def _is_above_change(self, model: Model) -> bool:
        """Whether it reads something that changed. The lists of what is computed anew are no change by themselves."""
        if model.name in self.project.lists:
            return True
        read = {name for name in model.depends_on if name not in self.project.lists}
        return bool(self.states.changed & {*model.sources} or self.touched & read)

    def _done(self, model: Model) -> ModelResult:
        started = time.perf_counter()
        try:
            refreshed = self._refreshed(model)
            seconds = time.perf_counter() - started
            tests = self._tests(model) if self.with_tests and model.name in self.touched else ()
        except psycopg.Error as error:
            if is_passing(error):
                raise
            raise ModelError(f"{model.name}: {described(error)} ({model.path})") from None
        return ModelResult(
            name=model.name,
            materialized=model.materialized,
            action=refreshed.action,
            rows=refreshed.rows,
            changed=refreshed.changed,
            seconds=seconds,
            columns=refreshed.columns,
            tests=tuple(tests),
        )

    def _refreshed(self, model: Model) -> BuiltRelation:
        """Brings a table up to date; of a view nothing is to be done."""
        columns = self.states.existing[model.name]
        if model.materialized == "view":
            self.touched.add(model.name)
            return BuiltRelation("view", None, None, columns)
        before = self.rows.get(model.name)
        if before is None:
            before = self._count(model)
        refreshed = update_by_change(
            self.conn, self.project, model, self.states.upto, rows=before, columns=columns
        )
        self.rows[model.name] = refreshed.rows or 0
        if refreshed.changed:
            self.touched.add(model.name)
        self._refuse_large_part(model)
        return refreshed

    def _refuse_large_part(self, model: Model) -> None:
        whole = model.by_change.part_of
        part = self.rows[model.name]
        if whole and part > max(FEW, LARGE_PART * self.rows.get(whole, 0)):
            raise CannotUpdateError(f"{model.name} lists {part:,} of {self.rows.get(whole, 0):,}")

    def _tests(self, model: Model) -> list[TestResult]:
        """The results of the tests of severity error that can look at the changed rows alone."""
        tests = [test for test in model.tests if test.is_by_change and test.severity == "error"]
        rows = written(model.name) if model.materialized == "table" else None
        done = run_checks(
            self.conn,
            self.project,
            tests,
            rows=rows,
            rows_of_keys=self._rows_of_keys(model),
            upto=self.states.upto,
        )
        if has_failed(done):
            failed = ", ".join(test.name for test in done if not test.passed)
            raise CannotUpdateError(f"of what changed in {model.name}, some rows fail {failed}")
        return done

    def _rows_of_keys(self, model: Model) -> str:
        """Where changed rows have to differ from others: all rows of their keys."""
        rows = statement(
            "rows_of_keys",
            relation=self.project.relation(model.name),
            key=columns_of(model.unique_key),
            new_rows=query(written(model.name)),
        )
        return f"({rows.as_string(None)}) as rows_of_keys"

    def _count(self, model: Model) -> int:
        relation = self.project.relation(model.name)
        return int(rows_of(self.conn, statement("count_rows", relation=relation))[0]["rows"])
