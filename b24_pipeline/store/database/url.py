"""The URL of a database, read as PostgreSQL's own programs read it: every part may be percent-encoded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from b24_pipeline.errors import SettingsError

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

_PLAIN_NAME = re.compile(r"[\w.~-]*", re.ASCII)


def read_url(text: str) -> URL:
    """Reads a URL. Raises SettingsError, which quotes nothing of it.

    SQLAlchemy decodes the user and the password alone: here the database is decoded too, and a host that is the folder
    of a socket.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise SettingsError(
            "DATABASE_URL cannot be read; expected postgresql://user:password@host:port/database"
        ) from None
    host = unquote(url.host or "")
    if host.startswith("/"):
        url = url._replace(host=None).update_query_dict({"host": host})
    return url.set(database=unquote(url.database)) if url.database else url


def url_for_programs(url: URL) -> str:
    """The URL as a text with its password, for programs that do not decode the database's name.

    A name that is not plain stands among the options, where every reader decodes it.
    """
    name = url.database or ""
    if not _PLAIN_NAME.fullmatch(name):
        url = url._replace(database=None).update_query_dict({"dbname": name})
    return url.render_as_string(hide_password=False)


def url_for_people(url: URL, *, hide_password: bool = True) -> str:
    """The URL as `psql` and other programs of PostgreSQL take it."""
    shown = url.set(drivername="postgresql", database=quote(url.database or "", safe="") or None)
    return shown.render_as_string(hide_password=hide_password)
