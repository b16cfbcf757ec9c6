"""How this program was called, so that what it prints can be called in the next shell too."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path


def b24_as_called() -> str:
    """The command as words of the shell: the path by which it was called, or `b24` where every shell finds it.

    That a virtual environment is on the search path is known in this shell alone.
    """
    called = Path(sys.argv[0])
    if called.name != "b24":
        return f"{python_as_called()} -m b24_pipeline"
    found = shutil.which("b24")
    if found and Path(found).parent != Path(sys.prefix) / "bin" and _is_same(Path(found), called):
        return "b24"
    return _word(called)


def _is_same(found: Path, called: Path) -> bool:
    return called.exists() and found.samefile(called)


def python_as_called() -> str:
    """The Python that this program runs in, as a word of the shell."""
    return _word(Path(sys.executable))


def _word(path: Path) -> str:
    """A path for the shell, from this folder where it lies below it."""
    whole, here = path.absolute(), Path.cwd()
    return shlex.quote(str(whole.relative_to(here) if whole.is_relative_to(here) else whole))
