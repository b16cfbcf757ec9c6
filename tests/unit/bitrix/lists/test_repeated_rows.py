"""Rows that a list sends twice are taken once; a list that does not advance is an error."""

from __future__ import annotations

import random
from typing import Any

import pytest

from b24_pipeline.bitrix.lists.pages import ListQuery
from b24_pipeline.bitrix.lists.read import read_list
from b24_pipeline.errors import ListDidNotAdvance
from tests.support.servers.scripted_portal import ScriptedPortal, client_of

DEALS = ListQuery("crm.deal.list", ("TITLE",))


def ids_of(portal: ScriptedPortal) -> list[int]:
    with client_of(portal) as client:
        chunks = list(read_list(client, DEALS))
    return sorted(int(row["ID"]) for chunk in chunks for piece in chunk.pieces for row in piece.rows)


def doubling(portal: ScriptedPortal, doubled: set[int], most: int | None = 50) -> None:
    """The rows of these ids come twice, as a join of the portal's database makes them; `most` rows a page."""
    pages = portal._page

    def page(ids: list[int], params: dict[str, Any]) -> list[int]:
        return [number for number in pages(ids, params) for _ in range(1 + (number in doubled))][:most]

    portal._page = page  # type: ignore[method-assign]


@pytest.mark.parametrize("most", [50, None], ids=["pages of fifty", "longer pages"])
@pytest.mark.parametrize("rows", [1, 49, 50, 51, 100, 5000])
def test_repeated_row_is_taken_once(rows: int, most: int | None) -> None:
    """Wherever it stands in a page, also as the last row, which the next page begins after."""
    chance = random.Random(rows)
    for share in (0.05, 0.5):
        portal = ScriptedPortal(list(range(1, rows + 1)))
        doubling(portal, {1, rows, *(n for n in range(1, rows + 1) if chance.random() < share)}, most)
        assert ids_of(portal) == list(range(1, rows + 1))


def test_repeated_row_is_taken_as_it_came_last() -> None:
    """It was read later."""
    portal = ScriptedPortal()
    rows = [{"ID": "1", "TITLE": "old"}, {"ID": "2"}, {"ID": "1", "TITLE": "new"}]
    portal.methods["crm.deal.list"] = lambda params: rows if params["order"]["ID"] == "ASC" else [{"ID": "2"}]
    with client_of(portal) as client:
        (chunk,) = read_list(client, DEALS)
    assert chunk.pieces[0].rows == [{"ID": "1", "TITLE": "new"}, {"ID": "2"}]


def test_full_page_without_a_new_row_is_an_error() -> None:
    """The portal sends one row for ever: reading on would never end."""
    portal = ScriptedPortal([1, 2])
    portal._page = lambda ids, params: [1] * 50 if params["order"]["ID"] == "ASC" else [2]  # type: ignore[method-assign]
    with pytest.raises(ListDidNotAdvance, match="brought no new row"):
        ids_of(portal)


def test_row_that_was_not_asked_for_is_an_error() -> None:
    """A smaller id that has not come before means that the portal ignored the filter or the order."""
    portal = ScriptedPortal([1, 2, 3])
    portal._page = lambda ids, params: [2, 1, 3] if params["order"]["ID"] == "ASC" else [3]  # type: ignore[method-assign]
    with pytest.raises(ListDidNotAdvance, match="ignored the filter"):
        ids_of(portal)
