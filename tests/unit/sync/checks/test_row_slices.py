"""Slices and what they are called on both sides."""

from __future__ import annotations

from b24_pipeline.bitrix.lists.ranges import IdRange
from b24_pipeline.entities import DEAL, INVOICE
from b24_pipeline.sync.checks.row_slices import ID, MODIFIED, Slice, slice_ends, slice_numbers


def test_conditions_leave_open_ends_out() -> None:
    """A filter has ids as numbers and times in UTC, and no condition for an open end."""
    assert Slice(ID).conditions(DEAL) == {}
    assert Slice(ID, 5, 9).conditions(DEAL) == {">=ID": 5, "<ID": 9}
    assert Slice(MODIFIED, 0).conditions(DEAL) == {">=DATE_MODIFY": "1970-01-01T00:00:00+00:00"}


def test_conditions_are_spelt_as_the_entity_spells_them() -> None:
    """Items have an id and a time of modification of other names."""
    assert Slice(ID, 5, 9).conditions(INVOICE) == {">=id": 5, "<id": 9}
    assert Slice(MODIFIED, 0).conditions(INVOICE) == {">=updatedTime": "1970-01-01T00:00:00+00:00"}


def test_ids_of_a_slice() -> None:
    """The ids of a slice are a range as lists read it: after the first number, up to and including the second."""
    assert Slice(ID, 5, 9).ids == IdRange(4, 8)
    assert Slice(ID).ids == IdRange(0, None)
    assert Slice(MODIFIED, 5, 9).ids == IdRange(0, None)


def test_cut_takes_only_places_inside() -> None:
    """A slice is cut at the places inside it, and stays whole without any."""
    assert Slice(ID, 5, 9).cut([5, 7, 9]) == [Slice(ID, 5, 7), Slice(ID, 7, 9)]
    assert Slice(ID, None, 9).cut([3]) == [Slice(ID, None, 3), Slice(ID, 3, 9)]
    assert Slice(ID, 5, 9).cut([5]) == [Slice(ID, 5, 9)]


def test_numbers_between_thresholds() -> None:
    """Slices are numbered as width_bucket counts them, and gaps between slices have numbers too."""
    slices = [Slice(ID, None, 3), Slice(ID, 3, 5), Slice(ID, 8, None)]
    assert slice_ends(slices) == [3, 5, 8]
    assert slice_numbers(slices, [3, 5, 8]) == [0, 1, 3]
