"""Rows are rendered twice, as objects and straight as JSON, and both must say the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from b24_pipeline.sandbox.clock import moment_text
from b24_pipeline.sandbox.config import SandboxConfig
from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rows.cells import NOTHING, Family
from b24_pipeline.sandbox.rows.codecs import Cents, DayCodec, Moment, Whole
from b24_pipeline.sandbox.rows.columns import Codec, Numbers
from b24_pipeline.sandbox.rows.page import Page


@pytest.fixture(scope="module")
def portal() -> PortalState:
    """Three hundred of everything; nobody changes it."""
    return PortalState(SandboxConfig(leads=300, deals=300, seed=5))


@pytest.mark.parametrize("family", ["classic", "item"])
@pytest.mark.parametrize("entity_type", ["lead", "deal", "contact", "company"])
def test_json_of_a_page_is_that_of_its_objects(portal: PortalState, entity_type: str, family: Family) -> None:
    """All fields of all rows, also of those that lack some."""
    table = portal.entities[entity_type].table
    page = table.page(table.alive_rows(), list(table.columns), family)
    assert json.loads(page.encoded()) == page.objects()


@pytest.mark.parametrize("codec", [Whole(), Cents(), Moment(), Moment(empty=""), DayCodec()])
def test_numbers_without_a_value_are_empty_in_json_too(codec: Codec) -> None:
    """Empty cells stand among full ones, in columns whose values hardly repeat; no rows are an empty list."""
    numbers = np.arange(0, 9000, 3)
    column = Numbers(np.where(numbers % 7 == 0, NOTHING, numbers), codec)
    for rows in (np.arange(3000), np.arange(0)):
        page = Page([("ID", Numbers(numbers, Whole())), ("X", column)], rows)
        assert json.loads(page.encoded()) == page.objects()


@pytest.mark.parametrize("text", ["1969-12-31T23:59:59", "2026-02-28T00:00:00", "2038-01-19T03:14:08"])
def test_a_moment_is_the_same_alone_and_among_others(text: str) -> None:
    """To the second, on any day, in the portal's zone."""
    local = int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) - 3 * 3600
    (row,) = json.loads(Page([("X", Numbers(np.array([local]), Moment()))], np.array([0])).encoded())
    assert row["X"] == moment_text(local) == f"{text}+03:00"


@pytest.mark.parametrize("amount", ["Infinity", "-inf", "NaN", "1e400", "1e17", "many", ""])
def test_an_amount_that_is_none_is_empty(amount: str) -> None:
    """What a caller sends must not break the portal."""
    assert Cents().parse(amount) is None
