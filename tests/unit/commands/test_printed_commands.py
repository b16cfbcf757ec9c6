"""Every command of ours that a page or a message names is one, and has the options that are named with it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import click
import pytest

from b24_pipeline.commands.catalogue import BY_NAME
from tests.support.printed import PAGES, ROOT, blocks

PACKAGE = ROOT / "b24_pipeline"
CALL = re.compile(r"\bb24 ((?:[a-z]+|--[a-z-]+)[^`\n]*)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
OURS = {"--debug", "--log-json", "--version", "--help"}


def wrong(call: str) -> str | None:
    """What is wrong with a call as it is written behind `b24`; None where nothing is. Words in prose may follow it."""
    before, *words = re.split(r"[ ,;:.)]+", re.sub(r"^(--(debug|log-json) )+", "", call))
    if before.startswith("--"):
        return None if before in OURS else f"no option {before}"
    if before not in BY_NAME:
        return f"no command {before}"
    command = loaded(before)
    if isinstance(command, click.Group):
        if not words or words[0] in ("", "|"):
            return None
        member = command.get_command(click.Context(command), words[0])
        if member is None:
            return f"no command {before} {words[0]}"
        command = member
    known = {option for param in command.params for option in (*param.opts, *param.secondary_opts)}
    part = re.split(r"[`;]|, | then ", call)[0]
    unknown = (
        [] if before == "psql" else [option for option in OPTION.findall(part) if option not in known | OURS]
    )
    return f"{before} has no option {unknown[0]}" if unknown else None


@lru_cache
def loaded(name: str) -> click.Command:
    """A command with its options; a group has its members."""
    return BY_NAME[name].load()


def texts(module: Path) -> Iterator[str]:
    """The strings of a module, without docstrings; what a string fills in is X."""
    tree = ast.parse(module.read_text("utf-8"))
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.value


def named_on(page: Path) -> set[str]:
    """The calls that a page names in backquotes, usage among them, and those of its blocks of shell."""
    words = set(re.findall(r"`b24 ([^`]+)`", page.read_text("utf-8")))
    return words | {call for command in blocks(page) for call in CALL.findall(command)}


def test_calls_on_pages_are_calls_of_ours() -> None:
    """A page that names a command which is none sends its reader into an error."""
    calls = {(page.name, call) for page in PAGES if page.name != "CHANGELOG.md" for call in named_on(page)}
    assert len(calls) > 60
    assert [(page, call, wrong(call)) for page, call in sorted(calls) if wrong(call)] == []


def test_calls_in_messages_are_calls_of_ours() -> None:
    """What an error advises can be done."""
    found = {
        (module.name, call)
        for module in PACKAGE.rglob("*.py")
        for text in texts(module)
        for call in CALL.findall(text)
    }
    templates = [page for page in PACKAGE.rglob("*.html") if "b24 " in page.read_text("utf-8")]
    found |= {(page.name, call) for page in templates for call in CALL.findall(page.read_text("utf-8"))}
    assert len(found) > 40
    assert [(module, call, wrong(call)) for module, call in sorted(found) if wrong(call)] == []


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ("sync acme --ful", "sync has no option --ful"),
        ("portal ad acme", "no command portal ad"),
        ("fly", "no command fly"),
        ("sync acme --full", None),
        ("--debug sync acme", None),
        ("drain, or something --else", None),
    ],
)
def test_a_wrong_call_is_seen(call: str, problem: str | None) -> None:
    """The patterns see what they are for."""
    assert wrong(call) == problem
