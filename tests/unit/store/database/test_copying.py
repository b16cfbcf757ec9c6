"""Rows as COPY reads them."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from b24_pipeline.store.database.copying import Lines, lines

ACCOUNT = UUID(int=7)
TEXTS = st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


def read(content: bytes) -> list[list[str | None]]:
    """As PostgreSQL reads the text format."""
    unescaped = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r"}

    def value(text: str) -> str | None:
        if text == "\\N":
            return None
        parts, rest = [], iter(text)
        for letter in rest:
            parts.append(unescaped[next(rest)] if letter == "\\" else letter)
        return "".join(parts)

    return [list(map(value, line.split("\t"))) for line in content.decode().split("\n")[:-1]]


@given(st.integers(1, 5).flatmap(lambda width: st.lists(st.tuples(*[TEXTS] * width), min_size=1, max_size=5)))
def test_what_is_written_is_what_is_read(rows: list[tuple[str | None, ...]]) -> None:
    """Property: any text and null survives, the account in front of each row."""
    made = lines(ACCOUNT, rows)
    assert read(made.content) == [[str(ACCOUNT), *row] for row in rows]
    assert len(made) == len(rows)


def test_no_rows_are_no_lines() -> None:
    """An empty page copies nothing."""
    assert lines(ACCOUNT, []) == Lines(b"", 0)
