"""The base of every error, and errors of settings, the database, files and models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from b24_pipeline.clean_text import on_one_line


class B24Error(Exception):
    """Anything that we can explain in one line. What portals and users have put into the message cannot act.

    `case`: which error of its class it is, and `given`: the values in it, where the pages have a sentence of their own.
    """

    case = ""
    given: Mapping[str, object] = {}

    def of_case(self, case: str, **given: object) -> Self:
        """The same error, which the pages tell from others of its class."""
        self.case, self.given = case, given
        return self

    def __str__(self) -> str:
        return on_one_line(super().__str__())


class SettingsError(B24Error):
    """A setting is missing or cannot be used; the message names it."""


class SecretKeyError(SettingsError):
    """B24_SECRET_KEYS is missing, malformed, or does not open what is stored."""


class OnlyReadsMarts(SettingsError):
    """The role of DATABASE_URL reads the marts alone, and the command works with more."""

    def __init__(self, command: str) -> None:
        super().__init__(
            "this role only reads marts: b24 funnel, export, psql and b24_pipeline.read work with it; "
            f"{command} needs the role that syncs"
        )


class BrokerUnreachable(B24Error):
    """The broker, from which workers take runs, does not answer, or refuses us."""

    def __init__(self, broker: str, said: str) -> None:
        super().__init__(f"the broker at {broker} cannot be used: {said}; see B24_BROKER_URL")


class DatabaseError(B24Error):
    """Something is wrong between us and PostgreSQL."""


class DatabaseUnavailable(DatabaseError):
    """PostgreSQL does not answer, or refuses us."""


class DatabaseBusy(DatabaseError):
    """Other transactions held what we need for too long."""


class ReadingRefused(DatabaseError):
    """The role of the connection may not read what was asked for."""

    def __init__(self, said: str, options: str = "") -> None:
        command = f"b24 analysts grant ROLE {options}".rstrip()
        super().__init__(f"{said}; the installation's owner can grant it: {command}")


class DatabaseTooOld(DatabaseError):
    """PostgreSQL is older than the oldest version that we support (15)."""


class DatabaseReadOnly(DatabaseError):
    """The database takes no writes from us: it is a standby, or the role's transactions are read-only."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(
            f"this database is read-only: {place} {reason}; looking works there (`b24 status`, `b24 funnel`, "
            "`b24 export`, `b24 psql`, `b24_pipeline.read`), all else needs the database that is written"
        )


class PoolerInTheWay(DatabaseError):
    """A pooler gives each transaction another server, so that no lock outlives a transaction."""

    def __init__(self, place: str) -> None:
        super().__init__(
            f"{place} is a pooler that gives each transaction another session of PostgreSQL (PgBouncer: pool_mode = "
            "transaction), and locks that keep two processes from the same work need one session that lasts; "
            "give DATABASE_URL the server's own address, or that of a pool with pool_mode = session"
        )


class DatabaseNotMigrated(DatabaseError):
    """Our tables are missing or of an older version: `b24 migrate`."""


class DatabaseTooNew(DatabaseError):
    """A newer version of this program has migrated the database."""


class LeadFileRefused(B24Error):
    """The file of own leads cannot be read, or has no header that we know; nothing of it was stored."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"{file}: {reason}")


class ModelError(B24Error):
    """An SQL model cannot be read or built, or one of its tests of severity error failed."""


class InternalError(B24Error):
    """A fault of this program; the message names the place, the log has the traceback."""


class MalformedEvent(B24Error):
    """The body of an inbound event cannot be read, or lacks what every event has. The message quotes nothing of it."""
