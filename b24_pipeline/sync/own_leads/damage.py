"""Cells that a spreadsheet has damaged: what was written in them cannot be told any more."""

from __future__ import annotations

import re

EXACT_DIGITS = 15
"""A spreadsheet keeps so many digits of a number; the others become zeros."""

EXPONENT = re.compile(r"(?<![\w.,])[0-9](?:[.,][0-9]+)?[eEеЕ]\+?[0-9]{1,3}(?!\w)")
"""A number in exponent form, such as 7,92E+10, in any text; the E may be the Cyrillic one."""

_TOO_NARROW = re.compile(r"#{2,}")
_ERRORS = frozenset(
    {
        *("#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"),
        *("#FIELD!", "#BLOCKED!", "#CONNECT!", "#UNKNOWN!", "#GETTING_DATA"),
        *("#ССЫЛКА!", "#Н/Д", "#ЗНАЧ!", "#ИМЯ?", "#ДЕЛ/0!", "#ЧИСЛО!", "#ПУСТО!", "#ПЕРЕНОС!", "#ВЫЧИСЛ!"),
    }
)
_AS_TEXT = "format the column as text in the spreadsheet and export again"


def damage_of(column: str, text: str) -> str | None:
    """Why a cell of one of our columns cannot be what was written in it; None where it can. Quotes nothing of it."""
    if text.startswith("#") and _TOO_NARROW.fullmatch(text):
        return f"{column} holds only #: the column was too narrow for it; widen the column and export again"
    if text.startswith("#") and text.upper() in _ERRORS:
        return (
            f"{column} holds an error of a spreadsheet in place of a value; mend the formula and export again"
        )
    if column in ("id", "phone") and EXPONENT.fullmatch(text.lstrip("+-")):
        return f"{column} is a number in exponent form: a spreadsheet has dropped its last digits; {_AS_TEXT}"
    return None


def zeros_after_exact_digits(text: str) -> int:
    """How many digits a number has beyond those that a spreadsheet keeps, if all of them are zeros; else 0."""
    beyond = text[EXACT_DIGITS:]
    return len(beyond) if text.isascii() and text.isdigit() and not beyond.strip("0") else 0
