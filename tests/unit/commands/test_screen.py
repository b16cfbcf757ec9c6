"""Tables on terminals of all widths: what matters is never cut."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from b24_pipeline.commands import funnel, screen, status

MONEY = {"EUR": "344101", "KZT": "209900", "RUB": "21502026", "USD": "1325401"}
STAGES = ("Новая", "Подготовка документов", "Счёт на предоплату", "Сделка провалена")


def terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> io.StringIO:
    """A terminal of this width, and what was printed on it."""
    printed = io.StringIO()
    console = Console(file=printed, force_terminal=True, width=width, highlight=False, color_system=None)
    for module in (screen, funnel, status):
        monkeypatch.setattr(module, "output", console)
    monkeypatch.setattr(screen, "notes", console)
    return printed


def stages() -> list[dict[str, object]]:
    """A pipeline with amounts in four currencies."""
    shares = {"conversion_from_start": 0.5, "conversion_from_previous": 1.0, "median_seconds": 1_000_000}
    return [
        {"category_id": 0, "category_name": "Общая", "entered": 3000, "status_name": name}
        | {
            "in_stage": 12345,
            "reached": 67890,
            "amounts_by_currency": MONEY,
            "is_deleted": False,
            "semantics": "process",
        }
        | shares
        for name in STAGES
    ]


@pytest.mark.parametrize("width", [200, 120, 100, 80, 60])
def test_a_funnel_keeps_its_stages_and_counts(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """What gives way is told; no line is wider than the terminal, and the first one is not empty."""
    printed = terminal(monkeypatch, width)
    funnel._as_table(stages())
    lines = printed.getvalue().splitlines()
    assert lines[0] == "Общая (pipeline 0, 3000 entered, all time)"
    assert max(len(line) for line in lines if not line.startswith("note: ")) <= width
    for name in STAGES:
        (line,) = [line for line in lines if line.startswith(name.split()[0])]
        assert "12 345" in line
        assert "67 890" in line
        assert "█" * 20 in line
        assert set(name.split()) <= set(printed.getvalue().split())
    shows_amounts = "21 502 026 RUB" in printed.getvalue()
    assert shows_amounts == (width >= 100)
    assert shows_amounts != ("note: the terminal is too narrow" in printed.getvalue())


def test_losing_is_no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lost stage has its share of the start and none of the stage before it, as on the page."""
    printed = terminal(monkeypatch, 200)
    lost = stages()[0] | {"status_name": "Lost", "semantics": "failure", "conversion_from_previous": 0.864}
    funnel._as_table([*stages(), lost])
    line = next(line for line in printed.getvalue().splitlines() if line.startswith("Lost"))
    assert "50.0%" in line
    assert "86.4%" not in line


def test_a_deleted_stage_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name can be no more than its code."""
    printed = terminal(monkeypatch, 200)
    funnel._as_table([*stages(), stages()[0] | {"status_name": "UC_1", "is_deleted": True}])
    assert printed.getvalue().count("(deleted)") == 1
    assert "UC_1 (deleted)" in printed.getvalue()


def test_a_row_that_fits_no_line_gets_lines_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve columns of a portal's state, such as `b24 status` has, at 80 characters."""
    printed = terminal(monkeypatch, 80)
    titles = [f"a title {number}" for number in range(12)]
    assert screen.table(titles, [["connected and well"] * 12]) == []
    lines = printed.getvalue().splitlines()
    assert lines[0].split() == ["a", "title", "0:", "connected", "and", "well"]
    assert len([line for line in lines if line.strip()]) == 12


def test_where_nobody_looks_nothing_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe gets each row on one line, however long."""
    printed = io.StringIO()
    monkeypatch.setattr(screen, "output", Console(file=printed, width=80))
    assert screen.table(["one", "two"], [["word " * 59 + "word", ("a", "b")]], gives_way=(1,)) == []
    assert printed.getvalue().splitlines()[1].split() == ["word"] * 60 + ["a,", "b"]


def test_the_last_syncs_keep_a_table_at_80_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line for each figure of fifteen entities would be pages."""
    printed = terminal(monkeypatch, 80)
    names = ("portal", "entity_type", "sync_type", "sync_status")
    sync = dict(zip(names, ("demo", "contact_link", "incremental", "success"), strict=True))
    moment = datetime(2026, 11, 25, 12, tzinfo=UTC)
    figures = {"rows_read": 123456, "rows_changed": 1234, "finished_at": moment, "cursor_watermark": moment}
    status._show_syncs([sync | figures] * 15)
    lines = printed.getvalue().splitlines()
    assert len([line for line in lines if line.startswith("demo") and "123 456" in line]) == 15
    assert lines[-1].startswith("note: the terminal is too narrow for all columns (sync, changed)")
