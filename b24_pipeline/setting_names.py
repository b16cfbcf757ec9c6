"""Names of settings that look like ours and are none: a misspelt setting would be ignored without a word."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_OURS = ("B24_", "BITRIX24_", "BITRIX_")
_OF_OPTIONS = {"B24_WEBHOOK_URL", "B24_APPLICATION_TOKEN"}
"""They stand for an option of one command."""
_OF_DBT = {f"B24_DBT_{name}" for name in ("HOST", "PORT", "USER", "PASSWORD", "DATABASE", "SCHEMA")}
"""`dbt_like_sql/profiles.yml` reads them, for those who build the models by dbt itself."""
_OF_FILES = {"B24_SECRETS_PATH"}
"""It says where settings are read, and is read before them."""
_OF_BENCHMARKS = "B24_BENCH_"
_ALIKE, _VERY_ALIKE = 0.6, 0.9


def misspelt(given: Iterable[str], settings: Iterable[str]) -> list[str]:
    """A line for each given name that is no setting and was meant for one. `settings`: the names that there are."""
    known = {*settings, *_OF_OPTIONS, *_OF_DBT, *_OF_FILES}
    unknown = {name.upper(): name for name in given}.keys() - known
    lines = []
    for name in sorted(unknown):
        ours = name.startswith(_OURS) and not name.startswith(_OF_BENCHMARKS)
        bare = {_bare(one) if ours else one: one for one in known}
        meant = get_close_matches(_bare(name) if ours else name, bare, 1, _ALIKE if ours else _VERY_ALIKE)
        if meant:
            lines.append(f"{name} is no setting; {bare[meant[0]]} is")
        elif ours:
            lines.append(f"{name} is no setting; README.md lists them")
    return lines


def _bare(name: str) -> str:
    """The name without our prefix, which would make any two names alike."""
    return name.removeprefix(next((prefix for prefix in _OURS if name.startswith(prefix)), ""))
