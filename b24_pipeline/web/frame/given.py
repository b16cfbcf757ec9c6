"""Parameters of addresses and forms that may be empty: empty is as if they were not there."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BeforeValidator, StringConstraints


def _or_none(given: object) -> object:
    """None for an empty text; a text without the character that PostgreSQL does not store."""
    if not isinstance(given, str):
        return given
    return given.replace("\x00", "").strip() or None


Key = Annotated[UUID | None, BeforeValidator(_or_none)]
GivenText = Annotated[
    Annotated[str, StringConstraints(max_length=2000)] | None, BeforeValidator(_or_none), Query()
]
