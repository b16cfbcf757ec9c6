"""Where the files that are not Python lie: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parent


def bundled(name: str) -> Path:
    """The folder or file `name` of the project's top level (migrations, dbt_like_sql, dagster.yaml)."""
    checkout = PACKAGE.parent / name
    if checkout.exists() and (PACKAGE.parent / "pyproject.toml").exists():
        return checkout
    return PACKAGE / "_bundle" / name
