"""Text files as other programs write them: tells their encoding, and yields their lines."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

WINDOWS = "cp1251"
NO_LETTER = "\ufffd"
"""Stands for bytes that are no text in the file's encoding."""

LONGEST_LINE = 1 << 20

_BLOCK = 1 << 20
_SAMPLE = 1 << 16
_SURELY_UTF_16 = (
    0.1  # of the pairs of bytes: what is ASCII in UTF-16 has a zero byte, and other text has none
)


def encoding_of(path: Path) -> str:
    """The encoding of a file: UTF-16 by its mark or its zero bytes, UTF-8 if most of it is, else Russian Windows.

    A stray byte in a UTF-8 file must not change how all of it is read. Russian text in the code page has hardly a
    letter that is valid UTF-8. Raises OSError.
    """
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    letters = broken = 0
    with path.open("rb") as file:
        wide = _wide_encoding(file.read(_SAMPLE))
        if wide:
            return wide
        file.seek(0)
        while block := file.read(_BLOCK):
            text = decoder.decode(block)
            if not text.isascii():
                broken += text.count(NO_LETTER)
                letters += len(text) - len(text.encode("ascii", "ignore"))
        broken += decoder.decode(b"", final=True).count(NO_LETTER)
    return WINDOWS if broken and letters < 3 * broken else "utf-8-sig"


def _wide_encoding(sample: bytes) -> str | None:
    """UTF-16 if the first bytes look like it: by the mark, or by zeros in every second place."""
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    first, second = sample[::2].count(0), sample[1::2].count(0)
    enough = _SURELY_UTF_16 * len(sample) / 2
    if second > enough and second > 10 * first:
        return "utf-16-le"
    if first > enough and first > 10 * second:
        return "utf-16-be"
    return None


@contextmanager
def opened_text(path: Path, encoding: str) -> Iterator[TextIO]:
    """Opens a file with its line ends as they are; NO_LETTER stands for what is no text. Raises OSError."""
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        yield file


def lines_of(file: TextIO) -> Iterator[str]:
    """The lines of a file; of a line that is far too long, only the beginning."""
    while line := file.readline(LONGEST_LINE):
        yield line
        while line and line[-1] not in "\r\n":
            line = file.readline(LONGEST_LINE)
