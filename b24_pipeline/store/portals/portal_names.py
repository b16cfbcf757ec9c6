"""Which names portals may have."""

from __future__ import annotations

import re

from b24_pipeline.errors import UsageError

RANGE_MARK = "..."
_NAME = re.compile(r"[^\W_][\w.-]{0,62}")


def require_name(name: str) -> None:
    """Raises UsageError unless the text can be the name of a portal."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be a portal's name; use letters, digits, '.', '_' and '-', at most 63"
        ).of_case("portal_name", name=name[:63])


def require_new_name(name: str) -> None:
    """Raises UsageError unless the text can be the name of a new portal."""
    require_name(name)
    if not fits_dagster(name):
        raise UsageError(
            f"{name!r} cannot be a portal's name: with '...', or a dot at its end, Dagster takes it for a range "
            "of portals; choose another name"
        ).of_case("portal_name_dots", name=name[:63])


def fits_dagster(name: str) -> bool:
    """Whether Dagster can tell the name of a portal from a range of partitions, which it writes as `a...b`.

    Portals that are connected already may have another name: commands read them, and Dagster leaves them out.
    """
    return RANGE_MARK not in name and not name.endswith(".")
