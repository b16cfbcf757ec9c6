"""`b24 portal qualification`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from b24_pipeline import runtime
from b24_pipeline.commands.screen import output, say, table
from b24_pipeline.errors import UsageError
from b24_pipeline.settings import settings
from b24_pipeline.store.qualification import evaluation as store
from b24_pipeline.store.qualification.conditions import Condition, read_conditions


def qualification(
    name: Annotated[str, typer.Argument(help="The portal.")],
    conditions: Annotated[
        str | None,
        typer.Option(
            "--set",
            metavar="JSON|FILE",
            help="Replace the conditions: a JSON list of {field_name, field_type, entity_type, "
            "enum_id or enum_value}, or a file with it. At most 3.",
        ),
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Take all conditions away.")] = False,
) -> None:
    """Show or set what makes a lead or deal of the portal qualified: any one condition suffices."""
    if clear and conditions is not None:
        raise UsageError("--set and --clear exclude one another")
    wanted = () if clear else None if conditions is None else read_conditions(_json(conditions))
    with runtime.opened(settings()) as opened:
        account = opened.portals.one(name).id
        transact = opened.warehouse.transact
        if wanted is None:
            found = transact(lambda connection: store.conditions_of(connection, account))
        else:
            found = transact(lambda connection: store.set_conditions(connection, account, wanted))
        counts = transact(lambda connection: store.count_qualified(connection, account))
    _show(name, found, counts)


def _json(given: str) -> Any:
    """JSON itself, or what the file of that name holds. Raises UsageError."""
    text = given if given.lstrip().startswith(("[", "{")) else _text_of(Path(given))
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UsageError(f"--set: this is no JSON: {error}") from None


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"--set: {path} is neither JSON nor a file that can be read: {reason}") from None


def _show(name: str, conditions: tuple[Condition, ...], counts: dict[str, int]) -> None:
    if not conditions:
        say(f"{name} has no conditions: nobody is qualified by a field")
        return
    rows = [(one.entity_type, one.field_name, one.field_type, _wanted(one)) for one in conditions]
    table(("entity", "field", "type", "qualified if"), rows)
    output.print(f"qualified now: {counts['lead']} leads, {counts['deal']} deals")


def _wanted(condition: Condition) -> str:
    if condition.field_type == "boolean":
        return "yes"
    if condition.field_type == "enumeration":
        return f"{condition.enum_value or ''} ({condition.enum_id})".strip()
    return condition.enum_value or ""
