"""A file that takes its name only when all of it is written."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

from b24_pipeline.errors import UsageError

Opened = TypeVar("Opened", bound=IO[Any])


@contextmanager
def whole_file(path: Path, opened: Callable[[Path], Opened]) -> Iterator[Opened]:
    """A file to write, which replaces `path` at the end of the block, and is gone if the block fails.

    `opened`: opens a new file of the name that it is given, and refuses one that is there. Raises UsageError.
    """
    # a name that nobody can guess, made and never followed: another user may not lead us to a file of ours
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    made = False
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"{path} is no file that can be replaced")
        file = opened(beside)
        made = True
        with file:
            yield file
        beside.replace(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    finally:
        if made:
            beside.unlink(missing_ok=True)
