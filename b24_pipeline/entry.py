"""Where the `b24` command begins: an installation for reading alone has none of its packages.

The first thing is to provide for Ctrl-C: what is imported then takes a second, in which nothing has begun yet.
"""

from __future__ import annotations

import sys

from b24_pipeline import interrupts


def main() -> None:
    """Runs the command line, or says in one line what is missing."""
    interrupts.end_at_once()
    try:
        from b24_pipeline.cli import main as run
    except ModuleNotFoundError as error:
        sys.exit(
            f"b24: the package {error.name} is missing: this installation is for `b24_pipeline.read` alone; "
            f"the commands need all packages: pip install {_wheel()}"
        )
    run()


def _wheel() -> str:
    """The file that this installation came from: in a public index another project may have our name."""
    from importlib.metadata import version

    return f"b24_pipeline-{version('b24-pipeline')}-py3-none-any.whl"
