"""`$result[...]` in batch commands."""

from __future__ import annotations

from typing import Any

from b24_pipeline.sandbox.rest.references import resolve
from b24_pipeline.sandbox.rows.codecs import php_int

KNOWN: dict[str, dict[str, Any]] = {
    "result": {"page": [{"ID": "7"}, {"ID": "9"}], "wrapped": {"items": [{"id": 3}]}, "empty": []},
    "total": {"page": 120},
}


def test_a_whole_value_becomes_the_raw_value() -> None:
    """The value at the path is passed on as it is."""
    assert resolve({"filter": {">ID": "$result[page][1][ID]"}}, KNOWN) == {"filter": {">ID": "9"}}


def test_wrapped_lists_are_reached_through_their_wrapper() -> None:
    """`[items]` is one more step."""
    assert resolve("$result[wrapped][items][0][id]", KNOWN) == 3


def test_a_reference_inside_text_is_spliced() -> None:
    """It runs to the next whitespace."""
    assert resolve("deal $result[page][0][ID] of $total[page]", KNOWN) == "deal 7 of 120"


def test_an_unresolved_index_gives_the_deepest_array() -> None:
    """There is no error: the page itself is substituted, which a cast to int makes 1."""
    substituted = resolve("$result[page][49][ID]", KNOWN)
    assert substituted == [{"ID": "7"}, {"ID": "9"}]
    assert php_int(substituted) == 1


def test_an_empty_page_is_cast_to_zero() -> None:
    """The chain then restarts at the very first row."""
    assert php_int(resolve("$result[empty][49][ID]", KNOWN)) == 0


def test_other_dollars_are_left_alone() -> None:
    """A price is no reference."""
    assert resolve("costs $5 and $result", KNOWN) == "costs $5 and $result"
