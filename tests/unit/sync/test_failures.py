"""Errors that a person is shown: whose fault it was, and nothing of a row."""

from __future__ import annotations

import psycopg
import pytest
from structlog.testing import capture_logs

from b24_pipeline.bitrix.answers import decoding
from b24_pipeline.errors import B24Error, DatabaseError, InternalError, PortalMoved, UnreadableAnswer
from b24_pipeline.sync.failures import explained

ROW = "Ivan Petrov +79211234567"


def fail(error: Exception) -> B24Error:
    with pytest.raises(B24Error) as raised, explained("acme", "syncing deal"):
        raise error
    return raised.value


def test_refused_statement_is_told_by_its_code_alone() -> None:
    """PostgreSQL's message quotes the row; the portal, the work and the code are what is left of it."""
    told = fail(psycopg.errors.NotNullViolation(f"Failing row contains ({ROW})"))
    assert type(told) is DatabaseError
    assert str(told).startswith("acme: syncing deal failed: a value is missing (PostgreSQL error 23502)")
    assert ROW not in str(told)
    assert told.__cause__ is None


@pytest.mark.parametrize("error", [KeyError(ROW), TypeError(ROW), ValueError(ROW), RuntimeError(ROW)])
def test_programming_error_is_a_fault_of_ours(error: Exception) -> None:
    """It is not told as the portal's: the message says "internal error" and the place, the log has the traceback."""
    with capture_logs() as logged:
        told = fail(error)
    assert type(told) is InternalError
    assert f"internal error while syncing deal ({type(error).__name__} at test_failures.py:" in str(told)
    assert "fault of b24-pipeline" in str(told)
    assert ROW not in str(told)
    (line,) = logged
    assert line["log_level"] == "error"
    assert "test_failures.py" in line["traceback"]
    assert "raise error" in line["traceback"]
    assert ROW not in str(line)


def test_error_that_explains_itself_stays() -> None:
    """What is one of ours already goes on as it is."""
    error = PortalMoved("acme", "acme.bitrix24.de")
    assert fail(error) is error


@pytest.mark.parametrize("error", [KeyError(ROW), AttributeError(ROW), ZeroDivisionError(ROW)])
def test_only_decoding_is_told_as_the_portals_answer(error: Exception) -> None:
    """An answer of another shape is the portal's, whatever it makes our decoding raise; its text stays out."""
    expected = r"acme: an answer about stages .* \(\w+ at "
    with pytest.raises(UnreadableAnswer, match=expected) as raised, decoding("acme", "stages"):
        raise error
    assert ROW not in str(raised.value)
