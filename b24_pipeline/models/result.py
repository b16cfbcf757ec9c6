"""What a build did."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from b24_pipeline.models.checks import TestResult
from b24_pipeline.models.materialize import Action
from b24_pipeline.models.model import Materialized


@dataclass(frozen=True)
class ModelResult:
    """What a build did to one model. `rows` are in the table now, `changed` were written or deleted.

    Both are None for a view. `columns` are `name type`; `tests` those run after it.
    """

    name: str
    materialized: Materialized
    action: Action
    rows: int | None
    changed: int | None
    seconds: float
    columns: tuple[str, ...]
    tests: tuple[TestResult, ...] = ()


@dataclass
class BuildResult:
    """Models in the order in which they were built. `changed_sources` are the tables that changed before."""

    models: list[ModelResult] = field(default_factory=list)
    changed_sources: Collection[str] = ()

    @property
    def tests(self) -> list[TestResult]:
        """All tests that were run."""
        return [test for model in self.models for test in model.tests]
