"""The funnel in the metadata of a materialization: as a line of text, and as a picture that the UI shows on a click."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any

from b24_pipeline.clean_text import for_svg, on_one_line

WIDTH = 640
BAR_LEFT = 220
BAR_WIDTH = 300
LINE = 22
MOST_LINES = 4
MOST_FUNNELS = 12  # every run's log has the pictures, so they must be few

_COLOURS = {"process": "#4f43dd", "success": "#1f8f4e", "failure": "#c5402f"}

FunnelRow = dict[str, Any]


def funnel_picture(rows: Iterable[FunnelRow]) -> str:
    """Markdown with a picture of each pipeline; rows as in `funnel_stats`, in the order of pipelines and stages."""
    funnels = [list(group) for _, group in groupby(rows, key=_pipeline)]
    known = [stages for stages in funnels if stages[0]["entered"]]
    pictures = "\n\n".join(_picture(stages) for stages in islice(known, MOST_FUNNELS))
    left_out = len(known) - MOST_FUNNELS
    return pictures + (f"\n\n... and {left_out} more" if left_out > 0 else "") or "No funnel yet."


def funnel_figures(rows: Iterable[FunnelRow]) -> dict[str, str]:
    """The first funnels as one line each, which the UI shows without a click; those of `rows` that are not empty."""
    funnels = [list(group) for _, group in groupby(rows, key=_pipeline)]
    known = [stages for stages in funnels if stages[0]["entered"]]
    return {on_one_line(_name(stages[0])): _line(stages) for stages in islice(known, MOST_LINES)}


def _line(stages: Sequence[FunnelRow]) -> str:
    """The stages on the way to success, each with how many reached it."""
    return " → ".join(
        on_one_line(f"{_stage_name(stage)} {_reached(stage)}")
        for stage in stages
        if stage["semantics"] != "failure"
    )


def _stage_name(row: FunnelRow, most: int = 200) -> str:
    """The name, cut to so many letters, and whether the portal has deleted the stage."""
    mark = " (deleted)" if row["is_deleted"] else ""
    return str(row["status_name"] or row["status_id"])[: most - len(mark)] + mark


def _reached(row: FunnelRow) -> str:
    share = row["conversion_from_start"]
    return f"{row['reached']:,}" + ("" if share is None else f" ({float(share):.0%})")


def _pipeline(row: FunnelRow) -> tuple[str, str, int]:
    return row["portal"], row["entity_type"], row["category_id"]


def _picture(stages: Sequence[FunnelRow]) -> str:
    title = _title(stages[0])
    encoded = b64encode(_svg(title, stages).encode()).decode()
    return f"![{_without_markup(title)}](data:image/svg+xml;base64,{encoded})"


def _title(row: FunnelRow) -> str:
    return f"{_name(row)}: {row['entered']:,} entered"


def _name(row: FunnelRow) -> str:
    return f"{row['portal']}, {row['entity_type']}, {row['category_name'] or row['category_id']}"


def _without_markup(text: str) -> str:
    """The text without characters that markdown would read as markup."""
    return on_one_line(text).translate(str.maketrans("", "", "[]()\\"))


def _svg(title: str, stages: Sequence[FunnelRow]) -> str:
    height = LINE * (len(stages) + 1) + 8
    most = max(row["reached"] for row in stages) or 1
    lines = "".join(line for number, row in enumerate(stages) for line in _bar(number, row, most))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        'font-family="sans-serif" font-size="13" fill="#222">'
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>'
        f'<text x="8" y="17" font-weight="bold">{for_svg(title)}</text>{lines}</svg>'
    )


def _bar(number: int, row: FunnelRow, most: int) -> Iterator[str]:
    top = LINE * (number + 1) + 6
    width = round(BAR_WIDTH * row["reached"] / most, 1)
    label = _reached(row)
    name = for_svg(_stage_name(row, 28))
    yield f'<text x="8" y="{top + 13}">{name}</text>'
    yield (
        f'<rect x="{BAR_LEFT}" y="{top}" width="{max(width, 1)}" height="{LINE - 6}" '
        f'fill="{_COLOURS.get(row["semantics"], "#777")}"/>'
    )
    yield f'<text x="{BAR_LEFT + width + 6}" y="{top + 13}">{label}</text>'
