"""Files of own leads between being uploaded and being loaded: for an hour, and for whoever has uploaded them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection, Warehouse

_sql = queries.load(__file__)

LONGEST_FILE_NAME = 120
_NO_NAMES = ("", ".", "..")


@dataclass(frozen=True, slots=True)
class Uploads:
    """The uploads of one database."""

    warehouse: Warehouse

    def keep(self, account: UUID, uploaded_by: str, name: str, content: bytes) -> UUID:
        """Keeps a file in the place of the one that this person has uploaded before; returns its key."""

        def work(connection: Connection) -> UUID:
            _sql.delete_of(connection, account=account, uploaded_by=uploaded_by)
            made = _sql.keep(
                connection,
                account=account,
                uploaded_by=uploaded_by,
                file_name=plain_file_name(name),
                content=content,
            )
            return UUID(str(made))

        return self.warehouse.transact(work)

    @contextmanager
    def opened(self, account: UUID, uploaded_by: str, upload: UUID) -> Iterator[Path | None]:
        """The file under its own name, as long as the block lasts; None where it is not kept any more."""
        with self.warehouse.connect() as connection:
            found = list(_sql.upload(connection, account=account, uploaded_by=uploaded_by, upload=upload))
        if not found:
            yield None
            return
        ((name, content),) = found
        with TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(content)
            yield path

    def forget(self, account: UUID, uploaded_by: str) -> None:
        """Deletes what this person has uploaded."""
        self.warehouse.transact(
            lambda connection: _sql.delete_of(connection, account=account, uploaded_by=uploaded_by)
        )


def delete_old(warehouse: Warehouse) -> None:
    """Deletes what was uploaded more than an hour ago: nobody can load it any more."""
    warehouse.transact(_sql.delete_old)


def plain_file_name(name: str) -> str:
    """The last part of a name as a browser sends it, without what no file system takes."""
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(letter for letter in last if letter.isprintable()).strip()[-LONGEST_FILE_NAME:]
    while len(shown.encode(errors="ignore")) > 2 * LONGEST_FILE_NAME:
        shown = shown[1:]
    return "upload" if shown in _NO_NAMES else shown.encode(errors="ignore").decode()
