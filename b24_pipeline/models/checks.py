"""Runs the tests of models: each is a query for rows that should not be there."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from b24_pipeline.errors import ModelError
from b24_pipeline.models.model import Check, Severity
from b24_pipeline.models.project import Project
from b24_pipeline.models.render import check_sql
from b24_pipeline.models.statements import statement
from b24_pipeline.store.database.faults import described, is_passing
from b24_pipeline.store.database.relation import rows_of
from b24_pipeline.store.database.statements import query
from b24_pipeline.store.database.warehouse import Connection

_OF_A_ROW = frozenset({"not_null", "accepted_values"})
"""Kinds of checks that need no other row."""


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
    return _result(check, row["failures"], time.perf_counter() - started, text)


def _result(check: Check, failures: int, seconds: float, text: str) -> TestResult:
    return TestResult(
        name=check.name,
        model=check.model,
        column=check.column,
        severity=check.severity,
        failures=failures,
        passed=failures == 0,
        seconds=seconds,
        sql=text,
        description=check.description,
    )


def run_checks(
    conn: Connection,
    project: Project,
    checks: Sequence[Check],
    *,
    rows: str | None = None,
    rows_of_keys: str | None = None,
    upto: str | None = None,
) -> list[TestResult]:
    """The results of checks of one model, in their order; those that look at each row alone are one query.

    `rows` is a relation with the rows of the model that are looked at, `rows_of_keys` one with all rows of their keys,
    in which each must be unique. `upto` is as in `render.check_sql`.
    """
    counted = _counted_together(conn, project, [check for check in checks if check.kind in _OF_A_ROW], rows)
    return [
        counted.get(check.name)
        or run_check(conn, project, check, rows=rows_of_keys if check.kind == "unique" else rows, upto=upto)
        for check in checks
    ]


def _counted_together(
    conn: Connection, project: Project, checks: Sequence[Check], rows: str | None = None
) -> dict[str, TestResult]:
    """The results by name; none where the query does not run, so that each check is asked alone and named."""
    if len(checks) < 2:
        return {}
    started = time.perf_counter()
    conditions = [_condition(check, f"failures_{number}") for number, check in enumerate(checks)]
    model = query(rows or project.relation(checks[0].model).as_string(None))
    try:
        with conn.transaction():
            (row,) = rows_of(conn, statement("count_conditions", relation=model, conditions=conditions))
    except psycopg.Error as error:
        if is_passing(error):
            raise
        return {}
    seconds = (time.perf_counter() - started) / len(checks)
    return {
        check.name: _result(check, row[f"failures_{number}"], seconds, check_sql(project, check, rows=rows))
        for number, check in enumerate(checks)
    }


def _condition(check: Check, name: str) -> Mapping[str, sql.Composable | bool | None]:
    """What the query that counts several checks needs of one: its column, and the values that are accepted."""
    values = check.arguments.get("values")
    accepted = sql.SQL(", ").join(map(sql.Literal, values)) if isinstance(values, list) else None
    return {"name": sql.Identifier(name), "column": query(str(check.column)), "accepted": accepted}


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
