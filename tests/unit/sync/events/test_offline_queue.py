"""Rows of the offline queue as they land, whatever they hold."""

from __future__ import annotations

from typing import Any

import pytest

from b24_pipeline.sync.events.offline_queue import event_of


def row(**fields: Any) -> dict[str, Any]:
    usual = {"ID": "18", "EVENT_NAME": "ONCRMDEALUPDATE", "EVENT_DATA": {"FIELDS": {"ID": 4127}}}
    return usual | fields


def test_a_row_names_its_object() -> None:
    """A row has the shape of docs/bitrix24-rest.md, section 7.5, with its id as a number or a string."""
    found = event_of(row(), "m")
    assert (found.event, found.entity_type, found.entity_id) == ("ONCRMDEALUPDATE", "deal", 4127)
    assert found.payload["offline"]["ID"] == "18"
    assert event_of(row(EVENT_DATA={"FIELDS": {"ID": "5"}}), "m").entity_id == 5


@pytest.mark.parametrize(
    "data", [False, None, [], {}, {"FIELDS": []}, {"FIELDS": {"ID": "9" * 30}}, {"FIELDS": {"ID": "x\0"}}]
)
def test_a_row_without_an_id_lands_without_one(data: Any) -> None:
    """A row whose data is `false`, as in the documentation's samples, lands without an id."""
    assert event_of(row(EVENT_DATA=data), "m").entity_id is None


def test_what_cannot_be_stored_is_left_out() -> None:
    """NUL and lone surrogates are replaced, because they would stop all other events of the request."""
    found = event_of(row(EVENT_NAME="ON\0X", MESSAGE_ID="a\0\ud800b"), "m")
    assert (found.event, found.entity_type) == ("UNKNOWN", None)
    assert found.payload["offline"]["MESSAGE_ID"] == "a?b"
