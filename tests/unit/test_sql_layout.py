"""SQL is read in pieces: no statement and no model is long, and each file of statements has its module beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import b24_pipeline
from b24_pipeline.paths import bundled

PACKAGE = Path(b24_pipeline.__file__).parent
STORE = PACKAGE / "store"
DDL = STORE / "database" / "ddl"

MOST_LINES = 150

NAME = re.compile(r"^-- name: *(\w+)")


def named_statements(path: Path) -> dict[str, int]:
    """The statements of a file by name, with how many lines each has, the line of its name among them."""
    lines: dict[str, int] = {}
    name = None
    waiting = 0
    for line in path.read_text("utf-8").splitlines():
        if found := NAME.match(line):
            name, waiting = found[1], 0
            lines[name] = 0
        waiting += 1
        if name and line.strip():
            lines[name] += waiting
            waiting = 0
    return lines


def too_long(lines: dict[str, int]) -> dict[str, int]:
    """Those that have more lines than a statement may have."""
    return {name: count for name, count in lines.items() if count > MOST_LINES}


def statements_of_the_package() -> Iterator[tuple[str, int]]:
    """Every named statement with its lines."""
    for path in sorted(PACKAGE.rglob("*.sql")):
        for name, count in named_statements(path).items():
            yield f"{path.relative_to(PACKAGE)}: {name}", count


def test_lines_of_a_statement_are_counted_from_its_name_to_its_end(tmp_path: Path) -> None:
    """Empty lines inside belong to it, those before the next name do not."""
    path = tmp_path / "two.sql"
    path.write_text(
        "-- name: first(account)$\n-- A note.\nselect 1\n\nfrom a;\n\n-- name: second\nselect 2;\n"
    )
    assert named_statements(path) == {"first": 5, "second": 2}


def test_no_named_statement_is_too_long() -> None:
    """A longer one holds several things: let it write a temporary table that the next one reads."""
    lines = dict(statements_of_the_package())
    assert len(lines) > 100
    assert too_long(lines) == {}


def test_no_model_is_too_long() -> None:
    """A longer one holds several things: let one of them be an intermediate model."""
    models = sorted((bundled("dbt_like_sql") / "models").rglob("*.sql"))
    assert models
    assert too_long({path.stem: len(path.read_text("utf-8").splitlines()) for path in models}) == {}


def test_each_file_of_statements_has_its_module() -> None:
    """Whoever reads a statement finds its caller under the same name; `ddl` alone belongs to several modules."""
    files = [path for path in STORE.rglob("*.sql") if path.parent != DDL]
    assert files
    assert [path for path in files if not path.with_suffix(".py").is_file()] == []
