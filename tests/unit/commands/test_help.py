"""What `--help` tells of the commands."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from typer.testing import CliRunner

from b24_pipeline.cli import app
from b24_pipeline.commands import catalogue


def commands(group: click.Command, *names: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """All commands with their full names."""
    if not isinstance(group, click.Group):
        yield names, group
        return
    for name, command in group.commands.items():
        yield from commands(command, *names, name)


COMMANDS = dict(found for entry in catalogue.COMMANDS for found in commands(entry.load(), entry.name))


@pytest.mark.parametrize("names", COMMANDS, ids=" ".join)
def test_every_option_and_argument_is_explained(names: tuple[str, ...]) -> None:
    """In words, on the command's own page."""
    page = CliRunner().invoke(app, [*names, "--help"], env={"COLUMNS": "200"}, terminal_width=200).output
    words = " ".join(page.replace("│", " ").split())
    for parameter in COMMANDS[names].params:
        explained = getattr(parameter, "help", None)
        assert explained, f"{' '.join(names)}: {parameter.name} has no help"
        assert " ".join(explained.split())[:40] in words


def test_the_columns_of_a_lead_file_are_named() -> None:
    """Nobody has to look for them elsewhere."""
    page = CliRunner().invoke(app, ["leads", "import", "--help"], env={"COLUMNS": "200"}).output
    words = " ".join(page.replace("│", " ").split())
    assert "Ours are id, name, phone, email, creative, direction" in words
