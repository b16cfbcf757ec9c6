"""Commands inside a batch, as they are written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b24_pipeline.bitrix.batch import Command, Reference, batch_body
from b24_pipeline.errors import UsageError
from tests.support.servers.scripted_portal import _nested


def test_nested_parameters_in_brackets() -> None:
    """Names keep their brackets, comparison signs and values are encoded once, references are not."""
    command = Command(
        "crm.deal.list",
        {
            "order": {"ID": "ASC"},
            "filter": {
                ">ID": Reference("$result[p_0][49][ID]"),
                "PHONE": "+7 900",
                "OPENED": True,
                "X": None,
            },
            "select": ["ID", "UF_*"],
            "start": -1,
        },
    )
    assert command.encode() == (
        "crm.deal.list?order[ID]=ASC&filter[%3EID]=$result[p_0][49][ID]&filter[PHONE]=%2B7%20900"
        "&filter[OPENED]=Y&filter[X]=&select[0]=ID&select[1]=UF_%2A&start=-1"
    )
    assert command.chained
    assert Command("profile").encode() == "profile"
    assert not Command("profile", {"a": "$result[x]"}).chained


@settings(deadline=None)
@given(st.dictionaries(st.text("abc<>=@!%é", min_size=1), st.text() | st.integers(), max_size=4))
def test_what_is_written_is_what_is_read(filters: dict[str, str | int]) -> None:
    """Property: any filter value survives the encoding, `&`, `+` and brackets included."""
    query = Command("m", {"filter": filters}).encode().partition("?")[2]
    assert _nested(query, {}).get("filter", {}) == {key: str(value) for key, value in filters.items()}


def test_fifty_and_no_more() -> None:
    """A batch of fifty-one is a mistake of the caller's."""
    assert len(batch_body({f"c{n}": Command("m") for n in range(50)}, halt=True)["cmd"]) == 50
    with pytest.raises(UsageError):
        batch_body({f"c{n}": Command("m") for n in range(51)}, halt=False)
