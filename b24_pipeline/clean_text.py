"""Text of portals and users on its way out: it may not act where it is shown.

A stage's name can hold what moves a terminal's cursor, turns the direction of writing, breaks a picture, or is a
formula to a spreadsheet. Each way out (screen, log, Dagster, SVG, CSV) is cleaned by a function of this module.
"""

from __future__ import annotations

import re
from html import escape

UNREADABLE = "\ufffd"
"""Stands for a character that was taken out."""

# marks that turn the direction of writing, so that a line shows other words than it has
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_LINE_ENDS = re.compile("[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
_LINE_ENDS_KEPT = re.compile("\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]")
_CONTROLS = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff{_BIDI}]")

_FORMULA = re.compile("[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-][0-9 ().,\-]*")  # a number or a phone: a spreadsheet can take it for nothing worse
# where a spreadsheet parts cells by semicolons, what stands behind one begins a cell
_WITHIN = re.compile("(?<=[;\t])([ ]*)(?=[=@\uff1d\uff20]|[+\\-\uff0b\uff0d][^0-9\\s])")


def on_one_line(text: str) -> str:
    """The text for a screen or a log: one line, without control characters and marks of direction."""
    return _CONTROLS.sub(UNREADABLE, _LINE_ENDS.sub(" ", text))


def on_its_lines(text: str) -> str:
    """Like `on_one_line`, but line ends and tabs stay: for a text of ours that has several lines."""
    return _CONTROLS.sub(UNREADABLE, _LINE_ENDS_KEPT.sub("\n", text))


def for_svg(text: str) -> str:
    """The text for a picture: on one line, with what XML allows alone, its markup escaped."""
    return escape(on_one_line(text))


def for_csv(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula: an apostrophe stands before what would begin one.

    Numbers and phones stay as they are.
    """
    safe = _WITHIN.sub(r"\1'", text)
    return f"'{safe}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else safe
