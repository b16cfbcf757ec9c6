"""How a step fails: with our one line, and again only where another try may help."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import dagster as dg

from b24_pipeline.errors import (
    B24Error,
)
from b24_pipeline.errors.groups import RETRY_MAY_HELP
from b24_pipeline.log import masked
from b24_pipeline.sync.outcome import Outcome

RETRIES = dg.RetryPolicy(max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""Of a step, beyond the client's own: for a portal that is away for a minute."""


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """An error of ours fails the step with its message."""
    try:
        yield
    except B24Error as error:
        raise failure([error]) from None


def raise_for(outcomes: Sequence[Outcome]) -> None:
    """Fails the step if a part of it did not work; what did work is stored."""
    errors = [outcome.error for outcome in outcomes if outcome.error]
    if errors:
        raise failure(errors) from None


def failure(errors: Sequence[B24Error]) -> dg.Failure:
    """The failure of a step: the first error, and all of them beside it."""
    lines = [masked(str(error)) for error in errors]
    more = f" (and {len(lines) - 1} more)" if lines[1:] else ""
    return dg.Failure(
        description=lines[0] + more,
        metadata={type(error).__name__: line for error, line in zip(errors, lines, strict=True)},
        allow_retries=all(isinstance(error, RETRY_MAY_HELP) for error in errors),
    )
