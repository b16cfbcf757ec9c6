"""Cells of an .xlsx whose formula has failed: the reader of spreadsheets gives them as empty."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree
from zipfile import ZipFile

_BOOK, _PARTS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
_MARK = re.compile(rb"""\st=["']e["']""")
_PLACE = re.compile(r"([A-Z]+)(\d+)")
_BLOCK = 1 << 20


def error_cells(path: Path, sheet: str) -> Iterator[tuple[int, int, str]]:
    """The row and column of each such cell of a sheet, both from 0, and the error, such as `#N/A`."""
    with ZipFile(path) as packed:
        part = _part_of(packed, sheet)
        if part is None or not _has_mark(packed, part):
            return
        with packed.open(part) as file:
            for _, element in ElementTree.iterparse(file):  # noqa: S314  expat bounds what entities grow to
                if _name(element) == "c":
                    place = _PLACE.fullmatch(element.get("r", ""))
                    if element.get("t") == "e" and place:
                        yield int(place[2]) - 1, _number(place[1]), _text(element)
                    element.clear()


def _part_of(packed: ZipFile, sheet: str) -> str | None:
    """The part of the file that has this sheet; None where the file is of another kind."""
    if not {_BOOK, _PARTS} <= set(packed.namelist()):
        return None
    keys = {
        value
        for element in ElementTree.fromstring(packed.read(_BOOK)).iter()  # noqa: S314
        if _name(element) == "sheet" and element.get("name") == sheet
        for name, value in element.items()
        if name.endswith("}id")
    }
    for element in ElementTree.fromstring(packed.read(_PARTS)).iter():  # noqa: S314
        if element.get("Id") in keys:
            target = element.get("Target", "")
            part = target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl") / target)
            return part if part in packed.namelist() else None
    return None


def _has_mark(packed: ZipFile, part: str) -> bool:
    """Whether a part has such a cell at all: most have none, and need not be parsed."""
    with packed.open(part) as file:
        before = b""
        while block := file.read(_BLOCK):
            if _MARK.search(before + block):
                return True
            before = block[-8:]
    return False


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(element: ElementTree.Element) -> str:
    return next((child.text or "" for child in element if _name(child) == "v"), "") or "#N/A"


def _number(letters: str) -> int:
    """The place of a column by its letters: A is 0, AA is 26."""
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1
