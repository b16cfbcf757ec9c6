"""The URL of a database in its usual form, read without SQLAlchemy, whose import takes longer than a look."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote_plus, unquote

_PLAIN = r"[\w.~-]+"
_ENCODED = r"(?:[\w.~-]|%[0-9A-Fa-f]{2})+"
_URL = re.compile(
    rf"postgres(?:ql)?://(?P<login>(?P<user>{_PLAIN})(?::(?P<password>{_ENCODED}))?@)?"
    rf"(?:(?P<host>{_PLAIN})(?::(?P<port>[0-9]{{1,5}}))?)?/(?P<database>{_PLAIN})"
    rf"(?:\?(?:sslmode=(?P<sslmode>{_PLAIN})|host=(?P<socket>(?:/|%2F)(?:{_ENCODED}|/)*)))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class PlainUrl:
    """What psycopg connects with, and the URL for people, without the password."""

    arguments: dict[str, str | int]
    place: str


def plain_url(text: str) -> PlainUrl | None:
    """The URL, if only the password and the folder of a socket are percent-encoded; else None.

    The only option that it may have beside such a folder is sslmode. SQLAlchemy reads all others.
    """
    found = _URL.fullmatch(text)
    if found is None or (found["socket"] and found["host"]):
        return None
    socket = unquote(found["socket"]) if found["socket"] else None
    arguments: dict[str, str | int | None] = {
        "host": found["host"] or socket,
        "port": int(found["port"]) if found["port"] else None,
        "dbname": found["database"],
        "user": found["user"],
        "password": unquote(found["password"]) if found["password"] else None,
        "sslmode": found["sslmode"],
    }
    given = {name: value for name, value in arguments.items() if value is not None}
    return PlainUrl(given, _place(found, socket))


def _place(found: re.Match[str], socket: str | None) -> str:
    login = f"{found['user']}{':***' if found['password'] else ''}@" if found["login"] else ""
    host = f"{found['host'] or ''}{':' + found['port'] if found['port'] else ''}"
    option = f"?host={quote_plus(socket)}" if socket else ""
    option = f"?sslmode={found['sslmode']}" if found["sslmode"] else option
    return f"postgresql://{login}{host}/{found['database']}{option}"
