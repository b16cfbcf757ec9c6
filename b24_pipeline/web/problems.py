"""Errors as HTTP answers: `{"error": code, "message": text}` for programs, a page for people.

The code is the exception's name in snake case; the status comes from the table below.
Details of our own faults (the database, a bug) go to the log and not to the caller.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from b24_pipeline.errors import (
    AccountNeeded,
    AddressRefused,
    AuthorizationRefused,
    B24Error,
    ConditionRefused,
    ConnectingFailed,
    DatabaseError,
    DirectionExists,
    EntityRefused,
    ForeignForm,
    KeyNameTaken,
    KeyRefused,
    NoFigures,
    NotProtected,
    RoleTooLow,
    SyncBusy,
    TooOften,
    UnknownCreative,
    UnknownDirection,
    UnknownEntity,
    UnknownKey,
    UnknownPortal,
    UnknownStage,
    UsageError,
)
from b24_pipeline.errors.groups import FORGED, NEEDS_A_PERSON

UNAVAILABLE = 503

_STATUSES: Mapping[type[BaseException], int] = {
    AccountNeeded: 400,
    AddressRefused: 400,
    AuthorizationRefused: 400,
    ConditionRefused: 422,
    ConnectingFailed: 400,
    DirectionExists: 409,
    EntityRefused: 409,
    ForeignForm: 403,
    KeyNameTaken: 409,
    KeyRefused: 401,
    NoFigures: 409,
    NotProtected: 403,
    RoleTooLow: 403,
    SyncBusy: 409,
    TooOften: 429,
    UnknownCreative: 404,
    UnknownDirection: 404,
    UnknownEntity: 404,
    UnknownKey: 404,
    UnknownPortal: 404,
    UnknownStage: 404,
    UsageError: 400,
    **dict.fromkeys(FORGED, 403),
    **dict.fromkeys(NEEDS_A_PERSON, 409),
}
_HTTP_CODES = {400: "malformed", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}

_SAYING_ALL = frozenset({"not_found", "method_not_allowed"})
"""Codes whose sentence says all that there is to say: the framework's own words add nothing."""


class Problem(BaseModel):
    """An error: a code for programs, a message for people."""

    error: str = Field(description="A stable code.")
    message: str = Field(description="One line for a person.")


@dataclass(frozen=True, slots=True)
class ProblemAnswer:
    """An error as it is sent: HTTP status, code, message, and headers of its own.

    `kinds`: by what the pages look for their sentence, the most exact first; `given`: the values in it.
    """

    status: int
    code: str
    message: str
    headers: Mapping[str, str] | None = None
    kinds: Sequence[str] = ()
    given: Mapping[str, object] = field(default_factory=dict)

    def sentence(self, known: Mapping[str, str]) -> str:
        """The most exact of the known sentences that fits; "" where none does."""
        return next((known[kind] for kind in (*self.kinds, self.code) if kind in known), "")

    def is_exact(self, known: Mapping[str, str]) -> bool:
        """Whether there is a sentence for this very case, which says all that the message does."""
        return bool(self.kinds) and self.kinds[0] in known

    @property
    def body(self) -> dict[str, str]:
        """The JSON body."""
        return {"error": self.code, "message": self.message}


INTERNAL = ProblemAnswer(500, "internal", "an internal error; the log of the service has the details")


def answer_to(error: Exception) -> ProblemAnswer:
    """The HTTP answer to an error; anything that is not an error of ours or of HTTP is INTERNAL."""
    if isinstance(error, B24Error):
        return _answer_to_ours(error)
    if isinstance(error, RequestValidationError):
        return ProblemAnswer(422, "invalid", _first_mistake(error))
    if isinstance(error, HTTPException):
        code = _HTTP_CODES.get(error.status_code, "refused")
        return ProblemAnswer(
            error.status_code, code, str(error.detail), error.headers, (code,) if code in _SAYING_ALL else ()
        )
    return INTERNAL


def _answer_to_ours(error: B24Error) -> ProblemAnswer:
    if isinstance(error, DatabaseError):
        return ProblemAnswer(
            UNAVAILABLE,
            code_of(type(error)),
            "the database cannot be used now; try again",
            kinds=kinds_of(type(error)),
        )
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, KeyRefused) else None
    return ProblemAnswer(
        _status(error),
        code_of(type(error)),
        str(error),
        headers,
        (error.case, *kinds_of(type(error))),
        error.given,
    )


def kinds_of(error: type[B24Error]) -> list[str]:
    """The codes of an error's class and of what it is besides."""
    return [code_of(kind) for kind in error.__mro__ if issubclass(kind, B24Error)]


def _status(error: B24Error) -> int:
    found = (_STATUSES[kind] for kind in type(error).__mro__ if kind in _STATUSES)
    return next(found, UNAVAILABLE)


def code_of(error: type[B24Error]) -> str:
    """The stable code of a class of errors: AddressRefused is address_refused."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", error.__name__).lower()


def _first_mistake(error: RequestValidationError) -> str:
    """The place of the first mistake and what was expected; never the value, which may be a secret."""
    mistake = error.errors()[0]
    place = ".".join(str(part) for part in mistake["loc"])
    return f"{place}: {mistake['msg']}"
