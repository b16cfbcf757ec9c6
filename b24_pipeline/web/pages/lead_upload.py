"""Own leads out of a file: it is uploaded, looked at with its columns, and loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID
from zipfile import BadZipFile, ZipFile, is_zipfile

from fastapi import APIRouter, Form, Query, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from b24_pipeline.errors import LeadFileRefused
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.own_leads.uploads import Uploads
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.own_leads.date_order import DatesOfFile, dates_of
from b24_pipeline.sync.own_leads.lead_columns import COLUMNS, PARTS, recognized
from b24_pipeline.sync.own_leads.lead_file import LeadFile, LeadFileLook, look_into, open_lead_file
from b24_pipeline.sync.own_leads.load_file import LoadedFile, load_file
from b24_pipeline.sync.own_leads.match_copy import link_own_leads
from b24_pipeline.sync.own_leads.moments import DateOrder
from b24_pipeline.sync.own_leads.qualify import mark_own_leads
from b24_pipeline.sync.own_leads.spreadsheet import is_spreadsheet
from b24_pipeline.sync.own_leads.text_file import encoding_of
from b24_pipeline.web.frame.given import Key
from b24_pipeline.web.frame.page_frame import PageFrame, PortalFrame, PortalInPath
from b24_pipeline.web.frame.signed_in import SignedIn
from b24_pipeline.web.frame.tables_as_csv import csv_file
from b24_pipeline.web.pages.own_lead_texts import COLUMN_NAMES, SAMPLE_COLUMNS, SAMPLE_ROWS, reason_text
from b24_pipeline.web.problems import ProblemAnswer, answer_to

ROWS_SHOWN = 10
MOST_BAD_SHOWN = 500
LOOKED_AT = 4096
MOST_UNPACKED = 64 << 20
"""A spreadsheet is unpacked in the memory of the service, beside the work of others."""

_NO_FILE: UploadFile | None = None
Columns = list[str]
Order = Literal["", "dmy", "mdy"]


@dataclass(frozen=True, slots=True)
class Read:
    """A file as it is read with some choice of columns; `file` None: it cannot be loaded so, and `problem` says why."""

    look: LeadFileLook
    file: LeadFile | None
    columns: list[str]
    problem: ProblemAnswer | None = None


class LeadUploadPage:
    """The routes `/p/{portal}/leads/sample`, `/p/{portal}/leads/upload` and `/p/{portal}/leads/load`."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._uploads = Uploads(warehouse)

    def router(self, signed_in: SignedIn) -> APIRouter:
        """The steps from a file to own leads."""
        routes = signed_in.routes(needed="manager")
        routes.add_api_route("/p/{portal}/leads/sample", self.sample)
        routes.add_api_route("/p/{portal}/leads/upload", self.look)
        routes.add_api_route("/p/{portal}/leads/upload", self.upload, methods=["POST"])
        routes.add_api_route("/p/{portal}/leads/load", self.load, methods=["POST"])
        return routes

    def sample(self, frame: PortalFrame) -> Response:
        """A file to fill in: the columns in the reader's language, and two invented leads."""
        head = [frame.text(name) for name in SAMPLE_COLUMNS]
        return csv_file(frame.request, "own-leads.csv", head, SAMPLE_ROWS)

    def upload(
        self, portal: PortalInPath, frame: PortalFrame, file: UploadFile | None = _NO_FILE
    ) -> Response:
        """Keeps the file until its columns were looked at."""
        if file is None or not file.filename:
            return RedirectResponse(frame.address("leads"), 303)
        made = self._uploads.keep(portal.id, frame.holder.name, file.filename, file.file.read())
        return RedirectResponse(frame.address("leads/upload", upload=made), 303)

    def look(
        self,
        portal: PortalInPath,
        frame: PortalFrame,
        upload: Annotated[Key, Query()] = None,
        column: Annotated[Columns | None, Query()] = None,
        order: Order = "",
    ) -> Response:
        """The first rows with the columns as they are recognised or chosen, and what loading would do."""
        return self._step(frame, portal, upload, column, order)

    def load(
        self,
        portal: PortalInPath,
        frame: PortalFrame,
        upload: Annotated[Key, Form()] = None,
        column: Annotated[Columns | None, Form()] = None,
        order: Annotated[Order, Form()] = "",
    ) -> Response:
        """Loads the file as `b24 leads import` does, and forgets it."""
        return self._step(frame, portal, upload, column, order, is_final=True)

    def _step(
        self,
        frame: PageFrame,
        portal: Portal,
        upload: UUID | None,
        columns: Columns | None,
        order: Order,
        *,
        is_final: bool = False,
    ) -> Response:
        if upload is None:
            return RedirectResponse(frame.address("leads"), 303)
        with self._uploads.opened(portal.id, frame.holder.name, upload) as path:
            if path is None:
                return RedirectResponse(frame.address("leads", gone="yes"), 303)
            try:
                read = read_file(path, columns)
                dates = (
                    dates_of(read.file) if read.file and not order else DatesOfFile(need_order=bool(order))
                )
                if dates.order and not is_final:
                    order = dates.order.value
                done = self._loaded(portal, read.file, order, is_final=is_final) if read.file else None
            except LeadFileRefused as error:
                return _refused(frame, path, error)
        if done and is_final and done.imported.rows:
            self._uploads.forget(portal.id, frame.holder.name)
            return _result(frame, path.name, done)
        return frame.page(
            "lead_columns.html",
            status=422 if is_final else 200,
            upload=upload,
            file_name=path.name,
            order=order,
            dates=dates,
            read=read,
            done=done,
            bad=done.bad[:MOST_BAD_SHOWN] if done else [],
            reason_text=reason_text,
            ours=[(name, COLUMN_NAMES[name]) for name in (*COLUMNS, *PARTS)],
        )

    def _loaded(self, portal: Portal, file: LeadFile, order: Order, *, is_final: bool) -> LoadedFile:
        done = load_file(
            self._warehouse,
            portal,
            file,
            order=DateOrder(order) if order else None,
            dry_run=not is_final,
        )
        if is_final:
            link_own_leads(self._warehouse, portal)
            mark_own_leads(self._warehouse, portal)
        return done


def read_file(path: Path, columns: Sequence[str] | None) -> Read:
    """Reads a file with the columns as they are recognised, or as they were chosen, in the order of the file.

    Raises LeadFileRefused where not even its rows can be shown.
    """
    _require_small(path)
    problem: ProblemAnswer | None = None
    try:
        file: LeadFile | None = open_lead_file(path)
    except LeadFileRefused as error:
        file, problem = None, _said_of(path, error)
    if file is None and path.suffix.lower() == ".xlsx" and not is_spreadsheet(path):
        raise LeadFileRefused(path.name, "is no Excel file, whatever its name says").of_case("no_excel")
    look = look_into(path, ROWS_SHOWN, file)
    if not is_table(path, look):
        raise LeadFileRefused(path.name, "has no table with a header").of_case("no_table")
    if columns is None:
        return Read(look, file, _columns_of(look, file), problem)
    given = [*columns, *[""] * len(look.header)][: len(look.header)]
    try:
        file, problem = open_lead_file(path, _chosen(path, look.header, given)), None
    except LeadFileRefused as error:
        file, problem = None, _said_of(path, error)
    return Read(look, file, given, problem)


def is_table(path: Path, look: LeadFileLook) -> bool:
    """Whether there is a header: a picture or a document has a NUL in its first bytes, which no text has."""
    with path.open("rb") as file:
        is_text = "utf-16" in encoding_of(path) or b"\0" not in file.read(LOOKED_AT)
    return any(look.header) and (is_text or is_spreadsheet(path))


def _chosen(path: Path, header: Sequence[str], columns: Sequence[str]) -> dict[str, str]:
    """Which column of the file is which of ours; those that nobody chose are left out."""
    chosen = dict.fromkeys((*COLUMNS, *PARTS), "")
    for theirs, ours in zip(header, columns, strict=True):
        if ours in chosen and theirs:
            if chosen[ours]:
                raise LeadFileRefused(path.name, f"two columns are both chosen as {ours}").of_case(
                    "column_chosen_twice"
                )
            chosen[ours] = theirs
    return chosen


def _columns_of(look: LeadFileLook, file: LeadFile | None) -> list[str]:
    # the columns are recognised even where none is a phone, which a file needs
    found = file.columns if file else recognized(look.header, {})
    places = {place: ours for ours, place in found.places.items()}
    return [places.get(place, "") for place in range(len(look.header))]


def _require_small(path: Path) -> None:
    """A file of a few bytes can unpack to gigabytes."""
    try:
        size = 0
        if is_zipfile(path):
            with ZipFile(path) as packed:
                size = sum(part.file_size for part in packed.infolist())
    except BadZipFile:
        size = 0
    if size > MOST_UNPACKED:
        raise LeadFileRefused(
            path.name,
            f"has {size >> 20} MiB unpacked, at most {MOST_UNPACKED >> 20} are read here; "
            "export it as CSV, or load it by `b24 leads import`",
        ).of_case("large_spreadsheet", size=size >> 20, most=MOST_UNPACKED >> 20)


def _said_of(path: Path, error: LeadFileRefused) -> ProblemAnswer:
    """What is wrong with the file, without the folder where it lies for a moment."""
    said = LeadFileRefused(path.name, str(error).rpartition(f"{path.name}: ")[2])
    return answer_to(said.of_case(error.case, **error.given))


def _refused(frame: PageFrame, path: Path, error: LeadFileRefused) -> HTMLResponse:
    return frame.page("lead_refused.html", status=422, problem=_said_of(path, error))


def _result(frame: PageFrame, file_name: str, done: LoadedFile) -> HTMLResponse:
    return frame.page(
        "leads_loaded.html",
        file_name=file_name,
        done=done,
        bad=done.bad[:MOST_BAD_SHOWN],
        reason_text=reason_text,
    )
