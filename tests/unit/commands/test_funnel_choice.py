"""`b24 funnel --pipeline` takes a number or a name, and shows no pipeline that was not meant."""

from __future__ import annotations

import pytest

from b24_pipeline.commands.funnel import _number_of
from b24_pipeline.errors import UsageError

KNOWN = {0: "Sales", 3: "Repair ", 5: "3", 7: "sales"}


@pytest.mark.parametrize(("given", "number"), [("0", 0), (" repair", 3), ("3", 3), ("7", 7)])
def test_a_pipeline_is_given_by_number_or_name(given: str, number: int) -> None:
    """A number counts before a name that is written the same."""
    assert _number_of(given, KNOWN, "acme: deals") == number


def test_a_name_of_two_pipelines_is_refused() -> None:
    """None of them is taken for the one that was meant."""
    with pytest.raises(
        UsageError, match=r"acme: deals have several .* 'SALES'; .* number: 0 Sales, 7 sales$"
    ):
        _number_of("SALES", KNOWN, "acme: deals")


def test_an_unknown_pipeline_is_told_with_those_there_are() -> None:
    """The numbers and names to choose from stand in the message."""
    with pytest.raises(UsageError, match="acme: deals have no pipeline 'x'; there are: 0 Sales, 3 Repair"):
        _number_of("x", KNOWN, "acme: deals")
