"""What the demo says at its end: how to look at its data from the next shell, and three questions to ask it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from b24_pipeline.commands.called_as import b24_as_called, python_as_called
from b24_pipeline.commands.screen import say
from b24_pipeline.demo_home import demo_of, is_demo
from b24_pipeline.settings import Settings

_QUESTIONS = Path(__file__).with_suffix(".sql")
_MOVES = Path(__file__).with_name("demo_moves.sql")


_FUNNEL = 'read.funnel(portal="demo")[["category_name", "status_name", "in_stage", "reached"]]'


def show_where_to_look(given: Settings) -> None:
    """Prints commands that work as they stand in this folder, whatever other database begins there.

    `given`: the settings of the user's own database.
    """
    named = f"B24_HOME={shlex.quote(str(_home(given)))} "
    b24, python = named + b24_as_called(), named + python_as_called()
    say("\nthe data stays; look at it from any shell in this folder:")
    for command in (f"{b24} status", f"{b24} funnel demo --entity-type lead", _in_python(python)):
        say(f"    {command}")
    say(
        f"    {b24} psql                  (interactive: \\dtv analytics.* lists tables and views, \\q ends it)"
    )
    say("three questions to ask it:")
    for question, query in questions():
        say(f"  {question}")
        say(f'    {b24} psql -c "{query}"')
    say("")


def show_moves(given: Settings) -> None:
    """Prints a command that shows the newest moves of the demo, which goes on moving."""
    query = " ".join(_MOVES.read_text("utf-8").partition("\n")[2].split()).rstrip(";")
    say("every few seconds something happens in the portal: mostly a lead or a deal moves on;")
    say("the newest moves, once more after a while:")
    say(f'    B24_HOME={shlex.quote(str(_home(given)))} {b24_as_called()} psql -c "{query}"')


def _home(given: Settings) -> Path:
    return given.b24_home if is_demo(given.b24_home) else demo_of(given.b24_home)


def questions() -> list[tuple[str, str]]:
    """Each question in words and as a query on one line."""
    parts = re.split(r"^-- name: .*\n", _QUESTIONS.read_text("utf-8"), flags=re.MULTILINE)[1:]
    split = (part.removeprefix("-- ").split("\n", 1) for part in parts)
    return [(words, " ".join(query.split()).rstrip(";")) for words, query in split]


def _in_python(python: str) -> str:
    return f"{python} -c 'from b24_pipeline import read; print({_FUNNEL})'"
