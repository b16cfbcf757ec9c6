"""Text of portals does nothing where it is shown: on a screen, in a log, a picture or a spreadsheet."""

from __future__ import annotations

import unicodedata
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b24_pipeline.clean_text import for_csv, for_svg, on_its_lines, on_one_line

ANY_TEXT = st.text(st.characters())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Новая сделка", "Новая сделка"),
        ("won\x1b[2J\x1b[31m", "won\ufffd[2J\ufffd[31m"),
        ("won\x9b2J", "won\ufffd2J"),
        ("a\r\nb24: all is well", "a b24: all is well"),
        ("a\tb\u2028c", "a b c"),
        ("\u202egpj.exe", "\ufffdgpj.exe"),
        ("\u2066a\u2069 \u200fb", "\ufffda\ufffd \ufffdb"),
        ("nul\0", "nul\ufffd"),
        ("a \ud800 b", "a \ufffd b"),
        ("👩\u200d💻 наоборот", "👩\u200d💻 наоборот"),
    ],
)
def test_a_line_stays_one_line_and_moves_nothing(text: str, shown: str) -> None:
    """Control characters and marks of direction are shown as one sign; letters and emoji stay."""
    assert on_one_line(text) == shown


@given(ANY_TEXT)
def test_any_text_can_be_shown(text: str) -> None:
    """Whatever comes: a line without controls, a text that keeps its lines, and XML that can be read."""
    shown = on_one_line(text)
    assert not [symbol for symbol in shown if unicodedata.category(symbol) in ("Cc", "Cs", "Zl", "Zp")]
    assert on_one_line(shown) == shown
    assert set(map(unicodedata.category, on_its_lines(text).replace("\n", "").replace("\t", ""))).isdisjoint(
        {"Cc", "Cs", "Zl", "Zp"}
    )
    assert ElementTree.fromstring(f"<text>{for_svg(text)}</text>").text == (shown or None)


def test_a_text_of_several_lines_keeps_them() -> None:
    """As a traceback has them."""
    assert on_its_lines("a\r\n\tb\x1b[0m\nc") == "a\n\tb\ufffd[0m\nc"


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ('=HYPERLINK("http://evil.example")', '\'=HYPERLINK("http://evil.example")'),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-cmd", "'-cmd"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("＝1", "'＝1"),
        ("x;=1+1", "x;'=1+1"),
        ("x; @SUM(A1)", "x; '@SUM(A1)"),
        ("-5", "-5"),
        ("-1 234,50", "-1 234,50"),
        ("+79211234567", "+79211234567"),
        ("+7 (921) 123-45-67", "+7 (921) 123-45-67"),
        ("-", "-"),
        ("a = b; c - d", "a = b; c - d"),
        ("", ""),
    ],
)
def test_a_cell_is_no_formula(text: str, cell: str) -> None:
    """Also where a spreadsheet parts cells by semicolons; numbers and phones stay as they are."""
    assert for_csv(text) == cell
