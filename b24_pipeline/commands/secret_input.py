"""Secrets that a user gives to a command, in a way that other users of the machine do not see."""

from __future__ import annotations

import sys
from getpass import getpass

from b24_pipeline.errors import UsageError

FROM_INPUT = "-"


def secret_of(given: str | None, option: str, what: str) -> str:
    """The secret: as given, else asked for on a terminal without showing it; `-` reads a line of standard input.

    `what` is how a person calls it. Raises UsageError where there is none.
    """
    if given and given != FROM_INPUT:
        return given
    if sys.stdin.isatty():
        text = getpass(f"{what} (not shown): ")
    elif given == FROM_INPUT:
        text = sys.stdin.readline()
    else:
        variable = "B24_" + option.removeprefix("--").replace("-", "_").upper()
        raise UsageError(
            f"{what} is missing: run this on a terminal, which asks for it, set {variable}, "
            f"or give it on standard input with {option} -"
        )
    if not text.strip():
        raise UsageError(f"{what} is empty")
    return text.strip()
