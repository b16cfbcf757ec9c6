"""Spreadsheets (.xlsx) for tests: one sheet or several, with typed cells as Excel writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

Cell = str | float | datetime | None

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_DAY_ZERO = datetime(1899, 12, 30)
_AS_DATE = 1  # the second format of the styles


@dataclass(frozen=True)
class ErrorCell:
    """A cell whose formula has failed."""

    text: str


def write_xlsx(path: Path, sheets: Mapping[str, Sequence[Sequence[Cell | ErrorCell]]]) -> Path:
    """Writes the rows of each sheet by name."""
    names = list(sheets)
    with ZipFile(path, "w", ZIP_DEFLATED) as file:
        file.writestr("[Content_Types].xml", _content_types(len(names)))
        file.writestr("_rels/.rels", _relations({"rId1": ("officeDocument", "xl/workbook.xml")}))
        parts = {
            f"rId{number}": ("worksheet", f"worksheets/sheet{number}.xml")
            for number in range(1, len(names) + 1)
        }
        parts["rId0"] = ("styles", "styles.xml")
        file.writestr("xl/_rels/workbook.xml.rels", _relations(parts))
        listed = "".join(
            f'<sheet name="{escape(name)}" sheetId="{number}" r:id="rId{number}"/>'
            for number, name in enumerate(names, start=1)
        )
        book = f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>{listed}</sheets></workbook>'
        file.writestr("xl/workbook.xml", book)
        formats = '<xf numFmtId="0"/><xf numFmtId="22" applyNumberFormat="1"/>'
        file.writestr(
            "xl/styles.xml",
            f'<styleSheet xmlns="{_MAIN}"><cellXfs count="2">{formats}</cellXfs></styleSheet>',
        )
        for number, name in enumerate(names, start=1):
            file.writestr(f"xl/worksheets/sheet{number}.xml", _sheet(sheets[name]))
    return path


def _sheet(rows: Sequence[Sequence[Cell | ErrorCell]]) -> str:
    drawn = (
        f'<row r="{line}">{"".join(_cell(f"{_letters(place)}{line}", value) for place, value in enumerate(row))}</row>'
        for line, row in enumerate(rows, start=1)
    )
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{"".join(drawn)}</sheetData></worksheet>'


def _cell(place: str, value: Cell | ErrorCell) -> str:
    if value is None:
        return ""
    if isinstance(value, ErrorCell):
        return f'<c r="{place}" t="e"><v>{escape(value.text)}</v></c>'
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    if isinstance(value, datetime):
        days = (value - _DAY_ZERO).total_seconds() / 86400
        return f'<c r="{place}" s="{_AS_DATE}"><v>{days!r}</v></c>'
    return f'<c r="{place}"><v>{value!r}</v></c>'


def _letters(place: int) -> str:
    return chr(ord("A") + place)


def _relations(parts: Mapping[str, tuple[str, str]]) -> str:
    listed = "".join(
        f'<Relationship Id="{key}" Type="{_RELATIONS}/{kind}" Target="{target}"/>'
        for key, (kind, target) in parts.items()
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{listed}</Relationships>'


def _content_types(sheets: int) -> str:
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = [("/xl/workbook.xml", "sheet.main"), ("/xl/styles.xml", "styles")]
    parts += [(f"/xl/worksheets/sheet{number}.xml", "worksheet") for number in range(1, sheets + 1)]
    listed = "".join(f'<Override PartName="{name}" ContentType="{kind}.{of}+xml"/>' for name, of in parts)
    rels = (
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    )
    return f'<Types xmlns="{_PACKAGE}/content-types">{rels}{listed}</Types>'
