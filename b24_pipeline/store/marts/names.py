"""Names for tables and columns out of names that people chose: valid, distinct, as near to the original as can be."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection

LONGEST_BYTES = 63  # of any name in PostgreSQL
_DIGEST_DIGITS = 8
_OURS = frozenset({"build"})
"""Portals whose schema would be that of the models below the marts."""

_UNFIT = re.compile(r"[^\w]")


def schema_name(portal: str) -> str:
    """The schema of a portal's custom fields: `analytics_` and its name.

    A name of lower-case letters, digits and '_' stays as it is. In any other,
    capitals become small and every other character '_', and eight digits of
    its SHA-256 follow, so that no two portals share a schema; so does a name
    whose schema's would be longer than 63 bytes, cut to fit, and one whose schema is ours.
    """
    if portal in _OURS:
        return _with_digest(f"analytics_{portal}", portal)
    return _named("analytics_", portal)


def column_name(field: str, taken: Collection[str] = (), suffix: str = "") -> str:
    """The column of a field: its name in lower case, and the suffix; with a digest where it is taken or too long."""
    plain = _UNFIT.sub("_", field.lower()) + suffix
    if plain not in taken and len(plain.encode()) <= LONGEST_BYTES:
        return plain
    return _with_digest(plain, field + suffix)


def _named(prefix: str, name: str) -> str:
    plain = prefix + _UNFIT.sub("_", name.lower())
    if plain == prefix + name and len(plain.encode()) <= LONGEST_BYTES:
        return plain
    return _with_digest(plain, name)


def _with_digest(plain: str, original: str) -> str:
    digest = hashlib.sha256(original.encode()).hexdigest()[:_DIGEST_DIGITS]
    room = LONGEST_BYTES - _DIGEST_DIGITS - 1
    return f"{plain.encode()[:room].decode(errors='ignore')}_{digest}"
