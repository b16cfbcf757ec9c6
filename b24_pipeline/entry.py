"""Where the `b24` command begins: an installation for reading alone has none of its packages."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line, or says in one line what is missing."""
    try:
        from b24_pipeline.cli import main as run
    except ModuleNotFoundError as error:
        sys.exit(
            f"b24: the package {error.name} is missing: this installation is for `b24_pipeline.read` alone; "
            "the commands need `pip install b24-pipeline`"
        )
    run()
