"""Turns errors into ones that can be shown to a person: without the text of a row, and with our own faults named."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from b24_pipeline.errors import B24Error, DatabaseError, InternalError
from b24_pipeline.log import logger
from b24_pipeline.store.database.faults import described, is_passing
from b24_pipeline.store.database.warehouse import StorageError

log = logger("sync")


@contextmanager
def explained(portal: str, work: str, *, repeated: bool = False) -> Iterator[None]:
    """Turns every error of the block that is no B24Error into one; `work` says in the message what was being done.

    Raises DatabaseError with PostgreSQL's code alone, since its message may quote a row, and
    InternalError for a programming error, whose traceback goes to the log without its message. In a block that is
    `repeated` by `Warehouse.transact` the errors pass for which it does the work again.
    """
    try:
        yield
    except B24Error:
        raise
    except StorageError as error:
        if repeated and is_passing(error):
            raise
        raise storage_failure(portal, work, error) from None
    except Exception as error:
        # not log.exception: its traceback ends with the message, which may quote a row
        log.error(  # noqa: TRY400
            "internal error", portal=portal, work=work, error=_kind(error), traceback=_frames(error)
        )
        raise InternalError(
            f"{portal}: internal error while {work} ({_kind(error)} at {_place(error)}); this is a fault of "
            "b24-pipeline, not of the portal: the log has its traceback, please report it"
        ) from None


def storage_failure(portal: str, work: str, error: StorageError) -> DatabaseError:
    """The error for what PostgreSQL refused, with its code and without its message, which may quote a row."""
    return DatabaseError(
        f"{portal}: {work} failed: {described(error)}; what was not committed was not stored: run it again"
    )


def _kind(error: BaseException) -> str:
    return type(error).__name__


def _place(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}:{last.lineno}"


def _frames(error: BaseException) -> str:
    """The files, lines and code of a traceback, without its message, which may quote a row."""
    return "".join(traceback.format_list(traceback.extract_tb(error.__traceback__)))
