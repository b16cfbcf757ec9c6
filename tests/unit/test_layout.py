"""The tree stays one in which a stranger finds his way: sizes, names and definitions are bounded."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "b24_pipeline"
MOST_FILES = 20
MOST_LINES = 300
# one file a command; a package's face is named by Python
MANY_FILES_ARE_FINE = PACKAGE / "commands"
NAMED_BY_PYTHON = {"__init__.py", "__main__.py"}
FOLDERS = ("b24_pipeline", "tests", "benchmarks", "docs")


def modules(folder: Path = PACKAGE) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def test_folders_hold_at_most_twenty_modules() -> None:
    """A folder with more is parted into rooms; only `commands` has a file a command."""
    sizes = Counter(path.parent for path in modules() if path.name not in NAMED_BY_PYTHON)
    large = {str(folder): size for folder, size in sizes.items() if size > MOST_FILES}
    large.pop(str(MANY_FILES_ARE_FINE), None)
    assert large == {}


def test_modules_have_at_most_three_hundred_lines() -> None:
    """A longer module holds two things."""
    found = {
        str(path): path.read_text("utf-8").count("\n") for name in FOLDERS for path in modules(ROOT / name)
    }
    assert {path: lines for path, lines in found.items() if lines > MOST_LINES} == {}


def test_file_names_are_used_once_within_a_floor() -> None:
    """A floor is a folder of the package: `sync/events/drain.py` is the only `drain.py` of `sync`."""
    places: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for path in modules():
        inside = path.relative_to(PACKAGE)
        if path.name not in NAMED_BY_PYTHON and len(inside.parts) > 1:
            places[inside.parts[0], path.name].append(str(inside))
    assert [paths for paths in places.values() if len(paths) > 1] == []


def test_one_module_reads_the_environment() -> None:
    """The settings are there, and whatever hands the environment on asks them for it."""
    asking = [
        str(path.relative_to(PACKAGE))
        for path in modules()
        if any(name in path.read_text("utf-8") for name in ("os.environ", "os.getenv", "import environ"))
    ]
    assert asking == ["settings.py"]


def test_type_names_are_defined_once() -> None:
    """One name has one meaning: a class or a type alias of this name stands in one module alone."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for path in modules():
        for name in _types(ast.parse(path.read_text("utf-8"))):
            places[name].append(str(path.relative_to(PACKAGE)))
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}


def _types(module: ast.Module) -> Iterator[str]:
    """Classes, and aliases such as `Row = dict[str, Any]`: capitalised, but no constant."""
    for node in module.body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            yield from (name for name in names if name[0].isupper() and not name.isupper() and len(name) > 1)
