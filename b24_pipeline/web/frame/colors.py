"""Colours of the stages in a chart: the portal's, unless two that touch would look the same."""

from __future__ import annotations

from collections.abc import Sequence

PALETTE = (
    "#5b8def",
    "#e0a030",
    "#1f9d63",
    "#8e6bd1",
    "#d0525a",
    "#2aa5b5",
    "#c65d9b",
    "#9a6b4f",
    "#7a8a3a",
    "#5a6b7f",
)
LEAST_DISTANCE = 90
"""Two colours that differ less in red, green and blue together are taken for one by an eye."""


def told_apart(wanted: Sequence[str | None]) -> list[str]:
    """A colour for each: the wanted one, or one of ours where it is missing or near one that was taken before."""
    taken: list[str] = []
    for number, color in enumerate(wanted):
        if color and _is_new(color, taken):
            taken.append(color)
        else:
            free = [one for one in PALETTE if _is_new(one, taken)]
            taken.append(free[0] if free else PALETTE[number % len(PALETTE)])
    return taken


def _is_new(color: str, taken: Sequence[str]) -> bool:
    return all(_distance(color, one) >= LEAST_DISTANCE for one in taken)


def _distance(one: str, other: str) -> int:
    return sum(abs(ours - theirs) for ours, theirs in zip(_parts(one), _parts(other), strict=True))


def _parts(color: str) -> tuple[int, int, int]:
    digits = color.lstrip("#")
    try:
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)
    except ValueError:
        return 0, 0, 0
