"""Runs the tests of models: each is a query for rows that should not be there."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import psycopg

from b24_pipeline.errors import ModelError
from b24_pipeline.models.model import Check, Severity
from b24_pipeline.models.project import Project
from b24_pipeline.models.render import check_sql
from b24_pipeline.models.statements import statement
from b24_pipeline.store.database.faults import described, is_passing
from b24_pipeline.store.database.relation import rows_of
from b24_pipeline.store.database.statements import query
from b24_pipeline.store.database.warehouse import Connection


@dataclass(frozen=True)
class TestResult:
    """One test's outcome; `failures` are rows, and `sql` is the query that shows them."""

    __test__ = False

    name: str
    model: str
    column: str | None
    severity: Severity
    failures: int
    passed: bool
    seconds: float
    sql: str
    description: str = ""


def run_check(
    conn: Connection, project: Project, check: Check, *, rows: str | None = None, upto: str | None = None
) -> TestResult:
    """Count the rows that break a check; ModelError if the query itself does not run.

    `rows` and `upto` are as in `render.check_sql`: with them only what changed is looked at.
    """
    text = check_sql(project, check, rows=rows, upto=upto)
    started = time.perf_counter()
    try:
        (row,) = rows_of(conn, statement("count_failures", query=query(text)))
    except psycopg.Error as error:
        if is_passing(error):
            raise
        raise ModelError(f"test {check.name} cannot be run: {described(error)}") from None
    return TestResult(
        name=check.name,
        model=check.model,
        column=check.column,
        severity=check.severity,
        failures=row["failures"],
        passed=row["failures"] == 0,
        seconds=time.perf_counter() - started,
        sql=text,
        description=check.description,
    )


def has_failed(results: Iterable[TestResult]) -> bool:
    """Whether the test has severity error and did not pass."""
    return bool(_failed(results))


def raise_for_failures(results: Iterable[TestResult]) -> None:
    """ModelError for the failed tests of severity error: which, how many rows, and how to see them."""
    failed = _failed(results)
    if not failed:
        return
    first = failed[0]
    suffix = f" (and {len(failed) - 1} more tests failed)" if failed[1:] else ""
    raise ModelError(
        f"{first.model}: test {first.name} failed on {first.failures} rows{suffix}; "
        f"nothing that reads {first.model} was built; see the rows with: {one_line(first.sql)}"
    )


def one_line(text: str) -> str:
    """A query on one line, to be pasted into psql: comments would swallow the rest of it."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("--"))
    return " ".join(" ".join(lines).split())


def _failed(results: Iterable[TestResult]) -> list[TestResult]:
    return [result for result in results if not result.passed and result.severity == "error"]
