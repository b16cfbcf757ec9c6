"""Which fields a list shows: the select masks of classic methods (docs/bitrix24-rest.md, section 5)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

MULTIFIELDS = frozenset({"PHONE", "EMAIL", "WEB", "IM", "LINK"})


def is_user_field(name: str) -> bool:
    """User fields are known by their prefix."""
    return name.startswith("UF_")


@lru_cache(maxsize=64)
def selected(select: tuple[str, ...], fields: tuple[str, ...]) -> tuple[str, ...]:
    """The fields to show, in catalogue order.

    No select: everything plain and every user field. `*`: without user fields. `UF_*`:
    those. Multifields only by name. `ID` joins a `*` or a multifield. Unknown names are
    dropped; if no known one is left it is as if there were no select.
    """
    wanted = {name.strip().upper() for name in select}
    names = _masked(wanted, fields) | {name for name in fields if name in wanted}
    if wanted & ({"*"} | MULTIFIELDS):
        names.add("ID")
    if not names:
        return tuple(name for name in fields if name not in MULTIFIELDS)
    return tuple(name for name in fields if name in names)


def _masked(wanted: set[str], fields: Sequence[str]) -> set[str]:
    masked: set[str] = set()
    if "*" in wanted:
        masked |= {name for name in fields if not is_user_field(name) and name not in MULTIFIELDS}
    if "UF_*" in wanted:
        masked |= {name for name in fields if is_user_field(name)}
    return masked
