"""Rows of the portal into rows of the tables."""

from __future__ import annotations

from typing import Any

import orjson

from b24_pipeline.entities import CONTACT, CRM, DEAL, LEAD, USER, RowDecoder
from b24_pipeline.entities.decode import cleaned, unique


def decoded(decoder: RowDecoder, raw: dict[str, Any]) -> dict[str, Any]:
    """The row by column, JSON columns of the two rests opened."""
    row = dict(zip(decoder.names, decoder.rows([raw])[0], strict=True))
    return row | {name: orjson.loads(row[name] or "") for name in ("custom_fields", "extra")}


def test_fields_go_to_columns_custom_fields_and_extra() -> None:
    """A standard field is a column, UF_* are custom, what nobody knows is extra."""
    decoder = RowDecoder(DEAL)
    row = decoded(
        decoder,
        {"ID": "31", "TITLE": "A", "OPPORTUNITY": "1.00", "UF_CRM_1": "61", "PARENT_ID_130": "5", "NEW": [1]},
    )
    assert (row["id"], row["title"], row["opportunity"]) == ("31", "A", "1.00")
    assert row["custom_fields"] == {"UF_CRM_1": "61"}
    assert row["extra"] == {"PARENT_ID_130": "5", "NEW": [1]}
    assert decoder.set_aside == 0


def test_absent_fields_are_null() -> None:
    """Multifields are left out where there are none, and every column has a value."""
    row = decoded(RowDecoder(LEAD), {"ID": "1"})
    assert {value for name, value in row.items() if name not in ("id", "custom_fields", "extra")} == {None}


def test_misfit_goes_to_extra_under_its_name_and_is_counted() -> None:
    """A value that does not fit is null in its column, whole in extra, and counted."""
    decoder = RowDecoder(DEAL)
    row = decoded(decoder, {"ID": 1, "OPPORTUNITY": "a lot", "CLOSEDATE": "0000-00-00", "CLOSED": {"x": 1}})
    assert (row["opportunity"], row["closedate"], row["closed"]) == (None, None, None)
    assert row["extra"] == {"OPPORTUNITY": "a lot", "CLOSEDATE": "0000-00-00", "CLOSED": {"x": 1}}
    assert decoder.set_aside == 3


def test_nul_and_half_characters_are_replaced_and_counted() -> None:
    """What PostgreSQL cannot store is shown by U+FFFD, in columns' misfits and in custom fields."""
    decoder = RowDecoder(LEAD)
    row = decoded(decoder, {"ID": "1", "TITLE": "a\x00b", "UF_CRM_1": ["\ud800"], "UF_CRM_2": "fine"})
    assert row["title"] is None
    assert row["extra"] == {"TITLE": "a\ufffdb"}
    assert row["custom_fields"] == {"UF_CRM_1": ["\ufffd"], "UF_CRM_2": "fine"}
    assert decoder.set_aside == 2


def test_misfit_file_keeps_no_access_token() -> None:
    """Not even a file that does not fit its column brings a token into extra."""
    row = RowDecoder(CONTACT).rows([{"ID": "1", "PHOTO": {"showUrl": "/x?auth=SECRET", "name": "\x00"}}])[0]
    assert "SECRET" not in str(row)


def test_numbers_beyond_json_become_text() -> None:
    """Infinity and whole numbers beyond 64 bits are kept as text."""
    row = decoded(RowDecoder(DEAL), {"ID": "1", "OPPORTUNITY": float("inf"), "UF_CRM_1": 2**70})
    assert row["extra"] == {"OPPORTUNITY": "inf"}
    assert row["custom_fields"] == {"UF_CRM_1": str(2**70)}


def test_megabyte_of_text_is_kept() -> None:
    """A long text is no reason to lose anything."""
    assert decoded(RowDecoder(DEAL), {"ID": "1", "COMMENTS": "я" * 500_000})["comments"] == "я" * 500_000


def test_row_without_a_usable_id_is_left_out_and_counted() -> None:
    """It has no place in a table, and the rows beside it must land."""
    decoder = RowDecoder(LEAD)
    rows = decoder.rows([{"ID": "1"}, {"TITLE": "who?"}, {"ID": "x"}, {"ID": str(2**64)}, {"ID": True}])
    assert [row[0] for row in rows] == ["1"]
    assert (decoder.left_out, decoder.set_aside) == (4, 0)


def test_narrowed_selection_has_its_columns_alone() -> None:
    """Only what was asked for is written; the id always."""
    decoder = RowDecoder(LEAD, ["TITLE"])
    assert decoder.names == ("id", "title", "custom_fields", "extra")


def test_custom_field_that_was_asked_for_and_is_absent_is_null() -> None:
    """The portal leaves an emptied file out: in a narrowed selection it must not stay as it was."""
    row = decoded(RowDecoder(LEAD, ["UF_CRM_1", "UF_CRM_2"]), {"ID": "1", "UF_CRM_2": "b"})
    assert row["custom_fields"] == {"UF_CRM_1": None, "UF_CRM_2": "b"}
    assert decoded(RowDecoder(LEAD, ["UF_*"]), {"ID": "1"})["custom_fields"] == {}


def test_volatile_fields_of_users_are_not_kept() -> None:
    """What changes without anybody's doing would make every user change at every sync."""
    raw = {
        "ID": "1",
        "ACTIVE": True,
        "IS_ONLINE": "Y",
        "TIMESTAMP_X": {},
        "UF_DEPARTMENT": [5, 7],
        "XML_ID": "x",
    }
    row = decoded(RowDecoder(USER), raw)
    assert (row["active"], row["uf_department"]) == ("t", "[5,7]")
    assert row["extra"] == {"XML_ID": "x"}


def test_repeated_rows_are_taken_once() -> None:
    """Of rows with one id the last wins, whichever way the id is written."""
    assert unique([{"ID": "1", "a": 1}, {"ID": 2}, {"ID": 1, "a": 2}]) == [{"ID": 1, "a": 2}, {"ID": 2}]


def test_cleaning_reaches_keys_and_depths() -> None:
    """Keys are cleaned as values are."""
    assert cleaned({"a\x00": [{"b": "\udc00"}]}) == {"a\ufffd": [{"b": "\ufffd"}]}


def test_entities_name_their_methods() -> None:
    """Field catalogues are read beside the list method, and single objects by the one beside it."""
    for entity in CRM:
        assert entity.catalogue is not None
        assert entity.catalogue.method == f"crm.{entity.name}.fields"
        assert entity.catalogue.labels == f"crm.{entity.name}.userfield.list"
        assert entity.get_method == f"crm.{entity.name}.get"
    assert all("UF_*" in entity.select and "*" in entity.select for entity in CRM)
