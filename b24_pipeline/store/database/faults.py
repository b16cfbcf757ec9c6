"""What PostgreSQL refused, told by its code and in our words: its own message, detail and context may quote a row."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

# what another transaction does to ours
IN_THE_WAY = (
    psycopg.errors.SerializationFailure,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.LockNotAvailable,
)
# what passes when the transaction is simply done again
_PASSING = (
    *IN_THE_WAY,
    psycopg.errors.AdminShutdown,
    psycopg.errors.CrashShutdown,
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.IdleSessionTimeout,
)
_WORDS = {
    "22001": "a text is too long for its column",
    "22003": "a number is too large for its column",
    "22007": "a text is no date or time",
    "22008": "a date or time is out of range",
    "22012": "division by zero",
    "22P02": "a text is no value of its type",
    "23502": "a value is missing",
    "23503": "a row names another one that is not there",
    "23505": "a value that must be unique is there already",
    "23514": "a value breaks a rule of its table",
    "40001": "another transaction changed the same rows",
    "40P01": "other transactions and this one waited for each other",
    "42501": "the role may not do this",
    "53100": "the server's disk is full",
    "53200": "the server has no memory left",
    "53300": "the server has no connection left",
    "53400": "a limit of the server was reached",
    "55P03": "others held a lock for too long",
    "57014": "the statement was cancelled",
    "57P01": "the server ended the session",
    "57P02": "the server ended the session after a crash",
    "57P03": "the server takes no sessions now",
    "P0001": "a function or trigger of the database refused it",
}
_WORDS_OF_CLASS = {
    "08": "the connection broke",
    "22": "a value does not fit its type",
    "23": "a value breaks a rule of its table",
    "25": "the transaction is in another state",
    "53": "the server lacks something",
    "57": "somebody stepped in at the server",
    "58": "the server cannot reach its files",
}
_NEXT = {
    "42501": "; which role may do what: docs/databases.md; whose the tables are after a restore: docs/operations.md"
}
_NAMES_ALONE = ("0A", "2B", "3D", "3F", "42")
"""Errors in the text of a statement, whose messages name tables and columns and quote no row."""


def described(error: psycopg.Error) -> str:
    """The error for a person, without the text of a row; of an error in a statement PostgreSQL's own words."""
    code = error.sqlstate
    if code is None:
        broken = isinstance(error, psycopg.OperationalError)
        return (
            "the connection to PostgreSQL broke" if broken else f"psycopg refused it ({type(error).__name__})"
        )
    said = error.diag.message_primary if _is_of_our_statement(error, code) else None
    words = said or _WORDS.get(code) or _WORDS_OF_CLASS.get(code[:2], "PostgreSQL refused it")
    return f"{words} (PostgreSQL error {code}{_NEXT.get(code, '')})"


def _is_of_our_statement(error: psycopg.Error, code: str) -> bool:
    """Whether PostgreSQL found the mistake in a statement's own text.

    A function or trigger may say what it likes under any code, also the row that it was called for.
    """
    return code.startswith(_NAMES_ALONE) and error.diag.context is None


def hide_rows(error: BaseException) -> None:
    """Takes PostgreSQL's message out of an error and out of all that led to it, wherever it is printed later."""
    for each in _chain(error):
        if isinstance(each, psycopg.Error):
            each.args = (described(each),)


def is_passing(error: BaseException) -> bool:
    """Whether the same work may succeed when it is done again: after a deadlock, or where the connection broke."""
    broke = isinstance(error, psycopg.OperationalError) and error.sqlstate is None
    return broke or isinstance(error, _PASSING)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    left: list[BaseException | None] = [error]
    while left:
        each = left.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            yield each
            left += [each.__cause__, each.__context__]
