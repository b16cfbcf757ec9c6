"""Values that nobody guesses: 256 random bits, as text that an address and a cookie take."""

from __future__ import annotations

import re
import secrets

BYTES = 32
_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def new_value() -> str:
    """One that nobody has yet."""
    return secrets.token_urlsafe(BYTES)


def is_shaped(text: str) -> bool:
    """Whether a text could be one that we made."""
    return bool(_SHAPE.fullmatch(text))
