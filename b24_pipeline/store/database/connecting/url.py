"""The URL of a database, read by libpq itself, so that it means to us what it means to `psql`.

Every driver and program that we use stands on libpq, and is given what libpq has read. SQLAlchemy and yoyo have
rules of their own for names, hosts and options: they have no say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from b24_pipeline.errors import SettingsError

_DRIVER = re.compile(r"(?<=^postgres)(ql)?\+\w+(?=://)")  # as SQLAlchemy writes it
_SECRET = ("password", "sslpassword")
_HIDDEN = "***"
_SOCKETS = "/var/run/postgresql"
"""Where the libpq of our drivers looks, and Debian's; that of the embedded server's programs looks elsewhere."""
_WRONG_ON_PURPOSE = ("ssl_max_protocol_version", "none")
"""libpq reads everything, finds this value and gives up, before it asks the network for anything."""


@dataclass(frozen=True)
class DatabaseUrl:
    """The parameters of a URL, decoded, by libpq's names."""

    given: Mapping[str, str]

    @cached_property
    def resolved(self) -> dict[str, str]:
        """The same with what a service file, variables such as PGHOST and libpq's defaults add."""
        name, wrong = _WRONG_ON_PURPOSE
        refused = pq.PGconn.connect_start(make_conninfo("", **{**self.given, name: wrong}).encode())
        try:
            found = {option.keyword.decode(): option.val.decode() for option in refused.info if option.val}
        finally:
            refused.finish()
        found.pop(name, None)  # it is not there where the service is not known
        return {**found, **self.given}

    @property
    def database(self) -> str:
        """The database's name; libpq takes the user's where none is given."""
        return self.resolved.get("dbname") or self.resolved.get("user", "")

    @property
    def secrets(self) -> Sequence[str]:
        """What no message may show."""
        return [self.resolved[name] for name in _SECRET if self.resolved.get(name)]

    @property
    def place(self) -> str:
        """Hosts, ports and the database, for messages."""
        hosts = self.resolved.get("host", "").split(",")
        ports = self.given.get("port", "").split(",")
        of_each = ports if len(ports) == len(hosts) else [ports[0]] * len(hosts)
        named = (
            f"{host or 'the local socket'}{f':{port}' if port else ''}"
            for host, port in zip(hosts, of_each, strict=True)
        )
        return f"{','.join(named)}/{self.database}"

    def for_role(self, user: str, password: str | None) -> DatabaseUrl:
        """The same database for another role."""
        same = {name: value for name, value in self.given.items() if name not in _SECRET}
        return DatabaseUrl(same | {"user": user} | ({"password": password} if password else {}))

    def for_people(self, *, hide_password: bool = True) -> str:
        """A URL that `psql` and other programs of PostgreSQL take. Several hosts, and a socket, are options of it."""
        shown = {name: quote(value, safe="/,") for name, value in self.given.items()}
        if hide_password:
            shown |= dict.fromkeys((name for name in _SECRET if name in shown), _HIDDEN)
        login = "".join(
            f"{sign}{quote(shown.pop(name), safe='*%')}"
            for sign, name in (("", "user"), (":", "password"))
            if name in shown
        )
        host = ""
        if not re.search(r"[/,@]", self.given.get("host", "")):
            host = f"[{self.given['host']}]" if ":" in shown.pop("host", "") else self.given.get("host", "")
        if "," not in shown.get("port", ","):
            host += f":{shown.pop('port')}"
        database = quote(self.given.get("dbname", ""), safe="")
        shown.pop("dbname", None)
        options = "&".join(f"{name}={value}" for name, value in shown.items())
        return f"postgresql://{login}{'@' if login else ''}{host}/{database}{'?' if options else ''}{options}"

    def for_libpq(self) -> str:
        """Keywords and values with the secrets, for a driver that hands them to libpq."""
        return make_conninfo("", **self.given)

    def as_variables(self) -> dict[str, str]:
        """libpq's variables: on a command line others of the machine would see the password.

        They say all that libpq knows of, also what a service file adds: one that is named again would come before them.
        """
        variables = {
            option.envvar.decode(): self.resolved[option.keyword.decode()]
            for option in pq.Conninfo.get_defaults()
            if option.envvar and option.keyword != b"service" and self.resolved.get(option.keyword.decode())
        }
        return variables if self.resolved.get("hostaddr") else {"PGHOST": _SOCKETS} | variables

    def without_variable(self) -> str:
        """Keywords and values of what no variable says and no secret is; empty where there is nothing of it."""
        silent = {option.keyword.decode() for option in pq.Conninfo.get_defaults() if not option.envvar}
        left = {name: value for name, value in self.given.items() if name in silent.difference(_SECRET)}
        return make_conninfo("", **left)


def read_url(text: str) -> DatabaseUrl:
    """Reads a URL. Raises SettingsError, which quotes nothing of it."""
    try:
        if not text.startswith(("postgresql", "postgres")):
            raise psycopg.ProgrammingError("a text of another kind")
        read = conninfo_to_dict(_DRIVER.sub(lambda found: found[1] or "", text))
    except psycopg.Error:
        raise _unreadable("") from None
    given = {name: str(value) for name, value in read.items() if value is not None}
    if any("@" in host[1:] for host in given.get("host", "").split(",")):
        raise _unreadable("; the first @ ends the password")
    if not all(not port or port.isdecimal() for port in given.get("port", "").split(",")):
        raise _unreadable("; a port is a number")
    return DatabaseUrl(given)


def _unreadable(reason: str) -> SettingsError:
    return SettingsError(
        "DATABASE_URL cannot be read; expected postgresql://user:password@host:port/database?option=value "
        f"as psql takes it, with @ inside of a part as %40, / as %2F, % as %25, = as %3D{reason}"
    )
