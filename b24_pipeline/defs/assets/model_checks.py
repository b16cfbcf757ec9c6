"""The asset checks of a model: one for all tests of its columns, one for each query of its own.

Each check of Dagster is an event whenever its model changes, so the tests of columns, about ten a model, are one check.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import dagster as dg

from b24_pipeline.models import Check, Model, TestResult

COLUMNS = "columns_are_sound"

_PROVES = {
    "not_null": "Never empty: {}.",
    "unique": "Each value once: {}.",
    "accepted_values": "Known values only: {}.",
    "relationships": "Names a row that exists: {}.",
}

Test = TypeVar("Test", Check, TestResult)


def model_key(name: str) -> dg.AssetKey:
    """The asset key of a model: its name, as dagster-dbt has it."""
    return dg.AssetKey([name])


def check_name(test: Check | TestResult) -> str:
    """The asset check that a test is part of."""
    return test.name if test.column is None else COLUMNS


def check_specs(model: Model) -> Iterator[dg.AssetCheckSpec]:
    """The asset checks of a model, each with what it proves."""
    for name, tests in _by_check(model.tests).items():
        yield dg.AssetCheckSpec(
            name,
            asset=model_key(model.name),
            description=_proves(tests),
            blocking=any(test.severity == "error" for test in tests),
        )


def check_results(tests: Iterable[TestResult]) -> Iterator[dg.AssetCheckResult]:
    """The results of the asset checks that these tests are part of, by model."""
    by_model: defaultdict[str, list[TestResult]] = defaultdict(list)
    for test in tests:
        by_model[test.model].append(test)
    for model, own in by_model.items():
        for name, parts in _by_check(own).items():
            yield _result(model, name, parts)


def _by_check(tests: Iterable[Test]) -> dict[str, list[Test]]:
    found: defaultdict[str, list[Test]] = defaultdict(list)
    for test in tests:
        found[check_name(test)].append(test)
    return found


def _result(model: str, name: str, tests: list[TestResult]) -> dg.AssetCheckResult:
    failed = [test for test in tests if not test.passed]
    is_error = any(test.severity == "error" for test in failed or tests)
    figures: dict[str, Any] = {
        "tests": len(tests),
        "failures": sum(test.failures for test in tests),
        "seconds": round(sum(test.seconds for test in tests), 3),
    }
    queries = {test.name: dg.MetadataValue.md(f"```sql\n{test.sql}\n```") for test in failed}
    return dg.AssetCheckResult(
        passed=not failed,
        asset_key=model_key(model),
        check_name=name,
        severity=dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
        description="; ".join(f"{test.name}: {test.failures:,} rows" for test in failed) or None,
        metadata=figures | queries,
    )


def _proves(tests: list[Check]) -> str:
    """What the tests prove: the sentence that is written for them, or the columns of each kind."""
    written = [test.description for test in tests if test.description]
    columns = {
        kind: sorted({str(test.column) for test in tests if test.kind == kind and not test.description})
        for kind in _PROVES
    }
    listed = [text.format(", ".join(columns[kind])) for kind, text in _PROVES.items() if columns[kind]]
    return " ".join([*written, *listed]) or f"The query {tests[0].path.name} finds no row."
