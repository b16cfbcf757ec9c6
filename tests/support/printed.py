"""The commands that documents and messages print."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]

_BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```", re.MULTILINE | re.DOTALL)

_COMMENT = re.compile(r"\s+# .*$")


def printed(notes: str) -> list[str]:
    """The commands that a message prints: lines of their own, indented by four, without what explains them."""
    lines = [line[4:] for line in notes.splitlines() if line.startswith("    ")]
    return [line.partition("   (")[0].rstrip() for line in lines]


def blocks(page: Path) -> list[str]:
    """The commands of a page's blocks of shell, in their order; one that goes on over several lines is one."""
    return [command for block in _BLOCK.findall(page.read_text("utf-8")) for command in _commands(block)]


def _commands(block: str) -> Iterator[str]:
    waiting = ""
    for line in block.splitlines():
        waiting += line
        try:
            words = shlex.split(waiting, comments=True)
        except ValueError:  # a quote is still open
            waiting += "\n"
            continue
        if words:
            yield _COMMENT.sub("", waiting).strip()
        waiting = ""
    assert not waiting.strip(), waiting


def run_in_shell(
    command: str, folder: Path, env: Mapping[str, str], given: str = ""
) -> subprocess.CompletedProcess[str]:
    """Runs a command as it was printed, with this on its standard input."""
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        env=dict(env),
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
