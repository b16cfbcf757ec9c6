"""What a person sees: tables on stdout, progress and complaints on stderr; the latter as JSON for a machine."""

from __future__ import annotations

import errno
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.markup import escape

from b24_pipeline.clean_text import on_its_lines, on_one_line
from b24_pipeline.commands.table_layout import PrintedColumn, laid_out, width_of
from b24_pipeline.masks import masked
from b24_pipeline.sync.options import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

WIDE = 200  # where nobody looks, lines are not folded


class _Result(Console):
    """Stdout. Whoever reads it may go away, as `head` does: the work goes on, and the exit code tells of it alone."""

    def on_broken_pipe(self) -> None:
        """Rich calls it."""
        write_to_nobody(sys.stdout)


class _Notes(Console):
    """Stderr. Its terminal may be closed: what has to be done before the end is done without a word then."""

    def print(self, *objects: Any, **how: Any) -> None:
        """Prints, or loses it where nobody is there to read."""
        try:
            super().print(*objects, **how)
        except OSError as error:
            if error.errno not in (errno.EIO, errno.EPIPE):
                raise
            write_to_nobody(sys.stderr)

    def on_broken_pipe(self) -> None:
        """Rich calls it."""
        write_to_nobody(sys.stderr)


def write_to_nobody(stream: TextIO) -> None:
    """Nobody reads stdout or stderr any more: what is still written there is lost without an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


@contextmanager
def as_long_as_read() -> Iterator[None]:
    """Ends the block, which writes to stdout, once nobody reads that any more."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        write_to_nobody(sys.stdout)


def _console(*, stderr: bool = False) -> Console:
    console = _Notes(stderr=True, highlight=False) if stderr else _Result(highlight=False)
    if not console.is_terminal:
        console.width = WIDE
    return console


output = _console()
notes = _console(stderr=True)
PLAIN_LINE_SECONDS = 5.0


class _Written:
    as_json = False


def write_notes(*, as_json: bool) -> None:
    """Whether notes and complaints are lines of JSON from now on, as the log is."""
    _Written.as_json = as_json


def complain(message: str, *, with_traceback: bool = False) -> None:
    """Prints an error for a person: one line on stderr, secrets masked; the traceback of the error goes before it."""
    if _Written.as_json:
        _note_for_machines("error", message, exc_info=with_traceback)
        return
    if with_traceback:
        import traceback

        traceback.print_exc()
    notes.print("b24: " + escape(masked(on_one_line(" ".join(message.split())))), soft_wrap=True)


def say(message: str) -> None:
    """Prints a note on stderr, so that stdout stays for the result."""
    if _Written.as_json:
        _note_for_machines("info", message.removeprefix("note: "))
        return
    notes.print(escape(on_its_lines(message)), soft_wrap=True)


def _note_for_machines(level: str, message: str, **more: Any) -> None:
    from b24_pipeline.log import access_logger  # not needed where a person looks

    if message.strip():
        getattr(access_logger("b24"), level)(" ".join(message.split()), **more)


def heading(text: str, after: str = "") -> None:
    """Prints a heading in bold on stdout, with something `after` it that is not."""
    output.print(f"[bold]{escape(on_one_line(text))}[/]{escape(on_one_line(after))}")


def table(
    titles: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    right: Sequence[int] = (),
    gives_way: Sequence[int] = (),
) -> list[str]:
    """Prints a table on stdout; the columns whose numbers are in `right` are aligned to the right and never cut.

    Where a terminal is too narrow, a tuple in a cell gets a line for each of its parts, then the columns of
    `gives_way` are left out, the first before the others, then each row is shown as lines of its own.
    Returns the titles that were left out.
    """
    from rich.table import Table

    cells = [[_cell(value) for value in row] for row in rows]
    columns = [
        PrintedColumn(title, [row[number] for row in cells], number in right)
        for number, title in enumerate(titles)
    ]
    laid = laid_out(columns, output.width if output.is_terminal else sys.maxsize, gives_way)
    if laid is None:
        _row_by_row(columns)
        return []
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for column in laid:
        drawn.add_column(column.title, justify="right" if column.is_whole else "left", width=column.width)
    for line in zip(*(column.texts for column in laid), strict=True):
        drawn.add_row(*map(escape, line))
    if not output.is_terminal:  # nothing is folded there
        output.width = max(output.width, width_of(laid))
    output.print(drawn)
    shown_titles = [column.title for column in laid]
    return [title for title in titles if title not in shown_titles]


def say_left_out(titles: Sequence[str], shown_by: str = "") -> None:
    """Says which columns a terminal was too narrow for, if any; an option that shows all of them is `shown_by`."""
    if titles:
        names = ", ".join(dict.fromkeys(titles))
        instead = f" or {shown_by}" if shown_by else ""
        say(f"note: the terminal is too narrow for all columns ({names}); a wider one{instead} shows them")


def _cell(value: Any) -> str | tuple[str, ...]:
    return tuple(map(shown, value)) if isinstance(value, tuple) else shown(value)


def _row_by_row(columns: Sequence[PrintedColumn]) -> None:
    for row in range(len(columns[0].cells)):
        if row:
            output.print()
        for column in columns:
            if column.texts[row]:
                output.print(f"[bold]{escape(column.title)}:[/] {escape(column.texts[row])}")


def shown(value: Any) -> str:
    """A value as text for a person, on one line: integers in groups of three digits, moments to the second."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace(",", " ")
    if isinstance(value, float):
        return f"{value:.1f}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S%z")
    return on_one_line(str(value))


@contextmanager
def progress() -> Iterator[Progress]:
    """Counts rows while they come: bars on a terminal, a plain line every few seconds elsewhere."""
    if not notes.is_terminal or _Written.as_json:
        yield _PlainLines()
        return
    from rich.progress import Progress as Bars
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.completed:,.0f} rows"),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=notes, transient=True) as bars:
        yield _LiveBars(bars)


class _LiveBars:
    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[tuple[str, str], TaskID] = {}
        self._lock = threading.Lock()

    def __call__(self, portal: str, entity: str, rows: int) -> None:
        with self._lock:
            if (portal, entity) not in self._tasks:
                self._tasks[portal, entity] = self._bars.add_task(f"{portal} {entity}", total=None)
            self._bars.advance(self._tasks[portal, entity], rows)


class _PlainLines:
    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], int] = {}
        self._last = time.monotonic()
        self._lock = threading.Lock()

    def __call__(self, portal: str, entity: str, rows: int) -> None:
        with self._lock:
            self._rows[portal, entity] = self._rows.get((portal, entity), 0) + rows
            if time.monotonic() - self._last >= PLAIN_LINE_SECONDS:
                self._last = time.monotonic()
                say(f"{portal} {entity}: {self._rows[portal, entity]} rows")


AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


def write_json(answer: dict[str, Any]) -> None:
    """Prints a result for programs: indented JSON on stdout."""
    import orjson

    with as_long_as_read():
        sys.stdout.write(orjson.dumps(answer, default=str, option=orjson.OPT_INDENT_2).decode() + "\n")
