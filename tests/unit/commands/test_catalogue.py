"""The list of commands, from which each is loaded when it is called."""

from __future__ import annotations

import inspect
from importlib import import_module

import click
import pytest
from typer.testing import CliRunner

from b24_pipeline.cli import app
from b24_pipeline.commands.catalogue import COMMANDS, CommandEntry

SINGLE = [entry for entry in COMMANDS if isinstance(entry.functions, str)]


@pytest.mark.parametrize("entry", SINGLE, ids=lambda entry: entry.name)
def test_the_list_says_what_the_command_says_of_itself(entry: CommandEntry) -> None:
    """Its line stands in the list because the command's module is not imported for `b24 --help`."""
    assert isinstance(entry.functions, str)
    module, name = entry.functions.split(".")
    function = getattr(import_module(f"b24_pipeline.commands.{module}"), name)
    assert entry.line == inspect.getdoc(function)


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_every_command_loads(entry: CommandEntry) -> None:
    """Under its name, groups with all their members; the members keep their order."""
    command = entry.load()
    assert command.name == entry.name
    if not isinstance(entry.functions, str):
        assert isinstance(command, click.Group)
        assert list(command.commands) == list(entry.functions)


def test_help_lists_the_commands_in_order() -> None:
    """As the list has them, each with its line."""
    page = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}, terminal_width=200).output
    lines = [line.strip("│ \n").split(maxsplit=1) for line in page.split("Commands")[1].splitlines()]
    listed = [(line[0], line[1].strip()) for line in lines if len(line) == 2 and line[0] != "─"]
    assert listed == [(entry.name, entry.line) for entry in COMMANDS]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["statu"], "No such command 'statu'. Did you mean 'status'?"),
        (["zzz"], "No such command 'zzz'."),
        (["portal", "lis"], "No such command 'lis'. Did you mean 'list'?"),
        (["status", "--jsn"], "No such option '--jsn'. Did you mean '--json'?"),
        (["status", "more"], "Got unexpected extra argument (more)"),
        (["leads", "import"], "Missing argument 'FILE'."),
    ],
)
def test_what_is_wrong_is_named(arguments: list[str], said: str) -> None:
    """With exit code 2, and the call's own usage."""
    answer = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"}, terminal_width=200)
    assert answer.exit_code == 2
    told = " ".join(answer.output.replace("│", " ").split())
    assert said in told
    assert told.count("Did you mean") == said.count("Did you mean")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("b24 s", ["sync", "serve", "status", "sandbox"]),
        ("b24 portal ", ["add", "connect", "list", "pause", "resume", "remove", "entities", "qualification"]),
        ("b24 status --", ["--json", "--help"]),
        ("b24 portal add acme --entity-type ", ["lead", "deal", "both"]),
        ("b24 zz", []),
    ],
)
def test_a_shell_completes(typed: str, offered: list[str]) -> None:
    """Names of commands from the list, options and values from the command itself."""
    words = len(typed.split()) - (0 if typed.endswith(" ") else 1)
    asked = {"_B24_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(words)}
    answer = CliRunner().invoke(app, prog_name="b24", env=asked)
    assert [line.split(",")[-1] for line in answer.output.split()] == offered


def test_every_port_has_the_range_of_ports() -> None:
    """Of all commands: else one that is none is a fault of the program, deep inside."""
    commands = [command for entry in COMMANDS for command in members(entry.load())]
    ports = [
        (command.name, option)
        for command in commands
        for option in command.params
        if option.name in ("port", "web_port")
    ]
    assert {name for name, _ in ports} == {"demo", "serve", "up", "sandbox"}
    for _, option in ports:
        assert isinstance(option.type, click.IntRange)
        assert (option.type.min, option.type.max) == (0, 65535)


def members(command: click.Command) -> list[click.Command]:
    """The command itself, or those of a group."""
    return list(command.commands.values()) if isinstance(command, click.Group) else [command]
