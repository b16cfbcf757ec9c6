"""Gathers what is wrong with several files, so that whoever mends them is told all at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from b24_pipeline.errors import ModelError


class WrongFiles:
    """The errors of the files that were read so far."""

    def __init__(self) -> None:
        self._errors: list[ModelError] = []

    def __bool__(self) -> bool:
        """Whether anything is wrong."""
        return bool(self._errors)

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Keeps a ModelError of the block for later."""
        try:
            yield
        except ModelError as error:
            self._errors.append(error)

    def raise_all(self) -> None:
        """Raises ModelError, on one line, for what was gathered; nothing if nothing is wrong."""
        if len(self._errors) == 1:
            raise self._errors[0]
        if self._errors:
            told = "; ".join(map(str, self._errors))
            raise ModelError(f"{len(self._errors)} files are wrong: {told}")
