"""What a build did."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from b24_pipeline.errors import ModelError
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
    """Models in the order in which they were built. `changed_sources` are the tables that changed before.

    `own_models` are those of the operator, which are built after ours, and `own_error` why one of them was not.
    """

    models: list[ModelResult] = field(default_factory=list)
    changed_sources: Collection[str] = ()
    own_models: list[ModelResult] = field(default_factory=list)
    own_error: ModelError | None = None

    def raise_for_own_models(self) -> None:
        """Raises ModelError if one of the operator's own models failed."""
        if self.own_error:
            raise self.own_error

    @property
    def tests(self) -> list[TestResult]:
        """All tests that were run."""
        return [test for model in self.models for test in model.tests]
