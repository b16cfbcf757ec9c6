"""Functions of the marts' schema as DataFrames: the funnel of a selection, and people."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from b24_pipeline import read
from b24_pipeline.errors import UnknownPortal, UsageError, WrongDates
from tests.support.data import model_data


def test_the_funnel_of_all_is_the_funnel(url: str) -> None:
    """Column by column, with the types of `read.funnel`; a filter leaves fewer."""
    whole = read.funnel(portal="acme", entity_type="deal", url=url)
    found = read.funnel_of("acme", "deal", url=url)
    shared = [
        "category_id",
        "status_id",
        "in_stage",
        "entered",
        "reached",
        "reached_implied",
        "reached_strict",
    ]
    order = ["category_id", "status_id"]
    left, right = (table[shared].sort_values(order, ignore_index=True) for table in (whole, found))
    pd.testing.assert_frame_equal(left, right, check_dtype=False)
    one = read.funnel_of("acme", "deal", pipeline=0, is_qualified=True, url=url)
    assert set(one["category_id"]) == {0}
    assert 0 < one["reached"].sum() < found["reached"].sum()


def test_a_pipeline_is_given_by_number_or_name(url: str) -> None:
    """As for `read.funnel`; one that there is not, or that two have, and a person by name, are told in words."""
    pipelines = read.mart("dim_pipeline", portal="acme", entity_type="deal", url=url)
    one = pipelines[~pipelines["category_name"].duplicated(keep=False)].iloc[0]
    number, name = int(one["category_id"]), str(one["category_name"])
    by_name = read.funnel_of("acme", "deal", pipeline=f" {name.upper()}", url=url)
    assert by_name.equals(read.funnel_of("acme", "deal", pipeline=number, url=url))
    assert set(by_name["category_id"]) == {number}
    people = read.people_of("acme", "deal", pipeline=name, url=url)
    assert people.equals(read.people_of("acme", "deal", pipeline=number, url=url))
    for function in (read.funnel_of, read.people_of):
        with pytest.raises(UsageError, match=f"no pipeline 'other'; there are: .*{number} {name}"):
            function("acme", "deal", pipeline="other", url=url)
    with pytest.raises(UsageError, match="assigned_by_id is a number, not 'Anna'"):
        read.funnel_of("acme", "deal", assigned_by_id="Anna", url=url)  # type: ignore[arg-type]


def test_the_funnel_of_a_moment_goes_by_the_portals_clock(url: str) -> None:
    """The same as `funnel_as_of` at the same moment, a day or a time."""
    for moment in (model_data.START.date(), model_data.START.isoformat()):
        then = read.funnel_as_of("acme", "lead", moment, url=url).set_index(["category_id", "status_id"])
        found = read.funnel_of("acme", "lead", moment=moment, url=url).set_index(["category_id", "status_id"])
        assert found["reached"].to_dict() == then["reached"].to_dict()


def test_people_have_what_they_have_closed(url: str) -> None:
    """One row a person; days before anything was closed leave nothing won."""
    found = read.people_of("acme", "deal", url=url)
    assert str(found["median_days_to_win"].dtype) == "Float64"
    assert set(read.columns("people_of", url=url)["name"]) == set(found.columns)
    assert found["open"].sum() == len(read.deals(portal="acme", url=url).query("is_open"))
    before = read.people_of("acme", "deal", closed_to="2000-01-01", url=url)
    assert before["won"].sum() == 0


def test_creatives_have_what_their_leads_have_brought(url: str) -> None:
    """Without days the rows of the mart; by campaign the same leads; one direction, and days, leave fewer."""
    order = ["creative_name", "direction_name"]
    mart = read.mart("creative_stats", portal="acme", entity_type="deal", url=url)
    found = read.creatives_of("acme", "deal", url=url)
    assert set(read.columns("creatives_of", url=url)["name"]) == set(found.columns)
    shared = [*order, "leads", "matched", "qualified", "won"]
    left, right = (table[shared].sort_values(order, ignore_index=True) for table in (mart, found))
    pd.testing.assert_frame_equal(left, right, check_dtype=False)
    leads = found["leads"].sum()
    campaigns = read.creatives_of("acme", "deal", by="campaign", url=url)
    assert (campaigns["leads"].sum(), campaigns["creative_id"].notna().sum()) == (leads, 0)
    direction = found["direction_id"].dropna().iloc[0]
    one = read.creatives_of("acme", "deal", direction=direction, url=url)
    assert set(one["direction_id"]) == {direction}
    assert 0 < one["leads"].sum() <= leads
    assert read.creatives_of("acme", "deal", left_to="2000-01-01", url=url)["leads"].sum() == 0


def test_what_cannot_be_asked_is_said(url: str) -> None:
    """In one line, before anything is read."""
    with pytest.raises(UnknownPortal):
        read.funnel_of("nobody", url=url)
    with pytest.raises(UsageError):
        read.people_of("acme", "contact", url=url)
    mistakes: tuple[dict[str, Any], ...]
    mistakes = ({"entity_type": "contact"}, {"by": "month"}, {"direction": "flats"})
    for wrong in mistakes:
        with pytest.raises(UsageError):
            read.creatives_of("acme", url=url, **wrong)
    with pytest.raises(WrongDates):
        read.funnel_of("acme", created_from="2026-02-01", created_to="2026-01-01", url=url)
    with pytest.raises(WrongDates):
        read.funnel_of("acme", moment="soon", url=url)
