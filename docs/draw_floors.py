"""Draws docs/img/floors.svg: the floors of the package as the import contract has them, with their real imports.

Run by `make docs`. The layers come from pyproject.toml, sizes and imports from the code.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PACKAGE = "b24_pipeline"
PICTURE = ROOT / "docs" / "img" / "floors.svg"
CONTRACT = "the floors of the package"

WIDTH, FLOOR, GAP, MARGIN = 960, 62, 26, 20
MANY_FOLDERS = 8
THICKNESS = ((60, 8), (20, 4), (5, 2), (0, 1))  # of an arrow, by the imports that it stands for
STYLE = (
    "text{font-family:sans-serif;fill:#1f2933}.name{font-size:14px;font-weight:600}"
    ".size{font-size:11px;fill:#616e7c}rect{fill:#f5f7fa;stroke:#9aa5b1}"
    "line{stroke:#3e7cb1;stroke-opacity:.35}"
)


def main() -> None:
    """Writes the picture."""
    PICTURE.write_text(picture(), "utf-8")


def picture() -> str:
    """The floors as SVG, the top one first; an arrow is the thicker the more imports it stands for."""
    floors = layers()
    places = {room: place for number, floor in enumerate(floors) for room, place in _row(floor, number)}
    height = len(floors) * (FLOOR + GAP) - GAP + 2 * MARGIN
    # nearly everything imports the two lowest floors: those arrows would hide the others
    drawn = [room for floor in floors[:-2] for room in floor]
    lines = [_arrow(places[above], places[below], count) for (above, below), count in imports(drawn)]
    rooms = [_room(room, *places[room]) for floor in floors for room in floor]
    body = "\n".join([*lines, *rooms])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}">\n<title>The floors of b24_pipeline: each imports only those below it'
        f"</title>\n<style>{STYLE}</style>\n{body}\n</svg>\n"
    )


def layers() -> list[list[str]]:
    """The rooms of each floor, by the contract in pyproject.toml; the sandbox stands beside the lowest one."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    contract = next(one for one in settings["contracts"] if one["name"] == CONTRACT)
    floors = [[room.strip() for room in layer.split("|")] for layer in contract["layers"]]
    return [*floors[1:-1], [*floors[-1], *contract["exhaustive_ignores"]]]


def imports(rooms: Collection[str]) -> list[tuple[tuple[str, str], int]]:
    """How many imports lead from one of the rooms to another, by the code."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    counted: Counter[tuple[str, str]] = Counter()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            pair = (_room_of(module), _room_of(imported))
            counted[pair] += pair[0] != pair[1]
    return sorted((pair, count) for pair, count in counted.items() if count and set(pair) <= set(rooms))


def _room_of(module: str) -> str:
    return module.removeprefix(f"{PACKAGE}.").split(".", 1)[0]


def _row(floor: list[str], number: int) -> list[tuple[str, tuple[float, int, float]]]:
    """Each room's left edge, top and width."""
    width = (WIDTH - 2 * MARGIN - GAP * (len(floor) - 1)) / len(floor)
    top = MARGIN + number * (FLOOR + GAP)
    return [(room, (MARGIN + place * (width + GAP), top, width)) for place, room in enumerate(floor)]


def _arrow(above: tuple[float, int, float], below: tuple[float, int, float], count: int) -> str:
    x1, y1, x2, y2 = above[0] + above[2] / 2, above[1] + FLOOR, below[0] + below[2] / 2, below[1]
    # few steps, so that one import more does not change the picture
    width = next(width for least, width in THICKNESS if count >= least)
    return f'<line x1="{x1:.0f}" y1="{y1}" x2="{x2:.0f}" y2="{y2}" stroke-width="{width}"/>'


def _room(room: str, left: float, top: int, width: float) -> str:
    middle = left + width / 2
    return (
        f'<rect x="{left:.0f}" y="{top}" width="{width:.0f}" height="{FLOOR}" rx="6"/>'
        f'<text class="name" x="{middle:.0f}" y="{top + 24}" text-anchor="middle">{room}</text>'
        f'<text class="size" x="{middle:.0f}" y="{top + 44}" text-anchor="middle">{_inside(room)}</text>'
    )


def _inside(room: str) -> str:
    """The folders of a room; empty for a file, and for a folder without any."""
    folder = ROOT / PACKAGE / room
    names = sorted(one.parent.name for one in folder.glob("*/__init__.py"))
    return ", ".join(names) if len(names) < MANY_FOLDERS else f"{len(names)} folders"


if __name__ == "__main__":
    main()
