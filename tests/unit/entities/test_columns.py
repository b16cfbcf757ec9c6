"""Values as PHP sends them, into the text that PostgreSQL's COPY takes."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from b24_pipeline.entities.columns import READERS, Kind, json_text, without_access

T, F = "t", "f"
NUMBERS = (Kind.INTEGER, Kind.LINK, Kind.MONEY)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("value", [None, "", [], {}])
def test_empties_are_null_in_every_column(kind: Kind, value: Any) -> None:
    """null, the empty text and PHP's empty array mean "nothing" everywhere."""
    assert READERS[kind](value) is None


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.FLAG])
def test_false_is_null_but_in_a_flag(kind: Kind) -> None:
    """PHP's false is an empty value, except where a yes or no is asked for."""
    assert READERS[kind](False) is None


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (Kind.TEXT, "Deal A", "Deal A"),
        (Kind.TEXT, "0", "0"),
        (Kind.TEXT, 7, "7"),
        (Kind.TEXT, 0, "0"),
        (Kind.TEXT, 1.5, "1.5"),
        (Kind.TEXT, "Ёж 🦔\r\n\t\\N", "Ёж 🦔\r\n\t\\N"),
        (Kind.INTEGER, "7", "7"),
        (Kind.INTEGER, 7, "7"),
        (Kind.INTEGER, "-7", "-7"),
        (Kind.INTEGER, "0", "0"),
        (Kind.INTEGER, 0, "0"),
        (Kind.INTEGER, "9223372036854775807", "9223372036854775807"),
        (Kind.LINK, "17", "17"),
        (Kind.LINK, 17, "17"),
        (Kind.LINK, "0", None),
        (Kind.LINK, 0, None),
        (Kind.MONEY, "1000.00", "1000.00"),
        (Kind.MONEY, "0", "0"),
        (Kind.MONEY, "0.00", "0.00"),
        (Kind.MONEY, 1000.5, "1000.5"),
        (Kind.MONEY, 1000, "1000"),
        (Kind.MONEY, "-12.30", "-12.30"),
        (Kind.MONEY, "1e3", "1e3"),
        (Kind.FLAG, "Y", T),
        (Kind.FLAG, "N", F),
        (Kind.FLAG, "1", T),
        (Kind.FLAG, "0", F),
        (Kind.FLAG, 1, T),
        (Kind.FLAG, 0, F),
        (Kind.FLAG, True, T),
        (Kind.FLAG, False, F),
        (Kind.TIMESTAMP, "2026-09-21T13:33:20+03:00", "2026-09-21T13:33:20+03:00"),
        (Kind.TIMESTAMP, "2026-09-21T13:33:20Z", "2026-09-21T13:33:20+00:00"),
        (Kind.TIMESTAMP, "2026-09-21 13:33:20.5+03:00", "2026-09-21T10:33:20.500000+00:00"),
        (Kind.TIMESTAMP, "0", None),
        (Kind.TIMESTAMP, 0, None),
        (Kind.DATE, "2026-09-21T03:00:00+03:00", "2026-09-21"),
        (Kind.DATE, "2026-09-21T00:00:00-05:00", "2026-09-21"),
        (Kind.DATE, "2026-09-21", "2026-09-21"),
        (Kind.DATE, "0", None),
        (Kind.JSON, [{"ID": "55", "VALUE": "+100"}], '[{"ID":"55","VALUE":"+100"}]'),
        (Kind.JSON, "text", '"text"'),
        (Kind.FILE, {"id": 1, "showUrl": "/show?auth=abc&x=1"}, '{"id":1,"showUrl":"/show?auth=&x=1"}'),
    ],
)
def test_value_that_fits_becomes_its_text(kind: Kind, value: Any, text: str | None) -> None:
    """Every kind of value of docs/bitrix24-rest.md's table is read as what it means."""
    assert READERS[kind](value) == text


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.TEXT, True),
        (Kind.TEXT, ["a"]),
        (Kind.TEXT, {"a": 1}),
        (Kind.TEXT, "a\x00b"),
        (Kind.TEXT, "\ud800"),
        (Kind.INTEGER, "many"),
        (Kind.INTEGER, "7.5"),
        (Kind.INTEGER, " 7"),
        (Kind.INTEGER, "1_000"),
        (Kind.INTEGER, "١٢"),
        (Kind.INTEGER, 7.0),
        (Kind.INTEGER, True),
        (Kind.INTEGER, "9223372036854775808"),
        (Kind.INTEGER, 2**63),
        (Kind.INTEGER, "9" * 5000),
        (Kind.LINK, "D_12"),
        (Kind.MONEY, "250|EUR"),
        (Kind.MONEY, "NaN"),
        (Kind.MONEY, "Infinity"),
        (Kind.MONEY, "1 000,50"),
        (Kind.MONEY, "1e400000"),
        (Kind.MONEY, "٣"),
        (Kind.MONEY, True),
        (Kind.MONEY, float("inf")),
        (Kind.MONEY, float("nan")),
        (Kind.MONEY, 10**40),
        (Kind.FLAG, "yes"),
        (Kind.FLAG, 2),
        (Kind.TIMESTAMP, "2026-09-21T13:33:20"),
        (Kind.TIMESTAMP, "0000-00-00 00:00:00"),
        (Kind.TIMESTAMP, "-0001-11-30T00:00:00+02:30"),
        (Kind.TIMESTAMP, "0001-01-01T00:00:00+03:00"),
        (Kind.TIMESTAMP, "9999-12-31T23:59:59-03:00"),
        (Kind.TIMESTAMP, "21.09.2026 13:33:20"),
        (Kind.TIMESTAMP, 1790000000),
        (Kind.DATE, "0000-00-00"),
        (Kind.DATE, "2026-W39-1"),
        (Kind.DATE, "2026-02-30"),
        (Kind.DATE, "2026-09-21 or so"[:10] + "or so"),
        (Kind.DATE, "20260921"),
        (Kind.DATE, 20260921),
        (Kind.JSON, {"a": "\x00"}),
        (Kind.JSON, {"\x00": 1}),
        (Kind.JSON, ["\udfff"]),
        (Kind.JSON, [2**64]),
    ],
)
def test_value_that_does_not_fit_is_refused(kind: Kind, value: Any) -> None:
    """What PostgreSQL would refuse, or would read as something else, raises ValueError."""
    with pytest.raises(ValueError):
        READERS[kind](value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2026-W39-1T13:33:20+03:00", "2026-09-21T10:33:20+00:00"),
        ("2026-09-21T13:33:20+23:59", "2026-09-20T13:34:20+00:00"),
        ("20260921T133320+0300", "2026-09-21T10:33:20+00:00"),
    ],
)
def test_moment_in_an_unusual_form_is_brought_to_utc(value: str, text: str) -> None:
    """What Python reads and PostgreSQL would not is written in the usual form."""
    assert READERS[Kind.TIMESTAMP](value) == text


def test_a_literal_escape_is_no_nul() -> None:
    """The six characters of an escape, as text, are kept."""
    assert orjson.loads(json_text(["\\u0000", "\\\\u0000"])) == ["\\u0000", "\\\\u0000"]


def test_access_tokens_are_taken_out_of_links_at_any_depth() -> None:
    """A file's links differ at each read and are secret: the token goes, the rest stays."""
    link = "/bitrix/show.php?auth=SECRET&id=1"
    assert without_access({"a": [{"url": link}], "n": 1}) == {
        "a": [{"url": "/bitrix/show.php?auth=&id=1"}],
        "n": 1,
    }


def test_deep_nesting_becomes_text_without_its_tokens() -> None:
    """Nested deeper than anything real, a value neither breaks the stack nor keeps a token."""
    value: Any = {"url": "/show.php?auth=SECRET&id=1"}
    for _ in range(900):
        value = [value]
    text = json_text(without_access(value))
    assert "SECRET" not in text
    shallow: Any = {"url": "/show.php?auth=SECRET&id=1"}
    for _ in range(150):
        shallow = [shallow]
    text = json_text(without_access(shallow))
    assert "SECRET" not in text
    assert "id=1" in text
