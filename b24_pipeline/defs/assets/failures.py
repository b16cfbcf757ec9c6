"""How a step of Dagster fails: with a message of one line, and with a retry only if that may help."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from logging import Logger

import dagster as dg

from b24_pipeline.errors import B24Error
from b24_pipeline.errors.groups import RETRY_MAY_HELP
from b24_pipeline.masks import masked
from b24_pipeline.sync.outcome import Outcome

RETRIES = dg.RetryPolicy(max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""Retries of a step, for a portal that is away longer than the client's own retries last."""


@contextmanager
def errors_as_failures(log: Logger | None = None) -> Iterator[None]:
    """Turns a B24Error of the block into a Dagster failure that has its message; raises dg.Failure.

    `log` gets a warning too: Dagster says that a step is tried again, and not why.
    """
    try:
        yield
    except B24Error as error:
        if log:
            log.warning(masked(str(error)))
        raise failure([error]) from None


def raise_for(outcomes: Sequence[Outcome], log: Logger) -> None:
    """Raises dg.Failure if an outcome has an error, and logs each; what the other outcomes stored stays stored."""
    errors = [outcome.error for outcome in outcomes if outcome.error]
    for text in dict.fromkeys(masked(str(error)) for error in errors):
        log.warning(text)
    if errors:
        raise failure(errors) from None


def failure(errors: Sequence[B24Error]) -> dg.Failure:
    """The failure of a step: its description is the first error, its metadata has all of them by their class."""
    lines = [masked(str(error)) for error in errors]
    more = f" (and {len(lines) - 1} more)" if lines[1:] else ""
    return dg.Failure(
        description=lines[0] + more,
        metadata={type(error).__name__: line for error, line in zip(errors, lines, strict=True)},
        allow_retries=all(isinstance(error, RETRY_MAY_HELP) for error in errors),
    )


class RunFailures:
    """What failed in a run of many portals: the last errors of each portal, and of the models."""

    def __init__(self) -> None:
        self._of_portals: dict[str, list[B24Error]] = {}
        self._of_models: list[B24Error] = []

    def of_portal(self, portal: str, errors: Sequence[B24Error]) -> None:
        """Notes how a portal ended; no errors take back those of an earlier try."""
        self._of_portals[portal] = list(errors)

    def of_models(self, errors: Sequence[B24Error]) -> None:
        """Notes how the last build ended."""
        self._of_models = list(errors)

    def portals(self, matches: Callable[[B24Error], bool]) -> list[str]:
        """The names of the portals that failed, all of whose errors match."""
        failed = {portal: errors for portal, errors in self._of_portals.items() if errors}
        return [portal for portal, errors in failed.items() if all(map(matches, errors))]

    def raise_if_any(self) -> None:
        """Raises dg.Failure with a line for each portal that failed; what the others did is done."""
        lines = {portal: masked(str(errors[0])) for portal, errors in self._of_portals.items() if errors}
        if self._of_models:
            lines["models"] = masked(str(self._of_models[0]))
        if not lines:
            return
        first, *others = lines.values()
        many = f"{len(lines)} of {len(self._of_portals)} portals failed; " if others else ""
        raise dg.Failure(f"{many}{first}", metadata=lines, allow_retries=False) from None
