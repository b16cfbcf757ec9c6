"""`b24 portal add | connect | list | pause | resume | remove | qualification`: the portals and their settings."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from b24_pipeline.bitrix.auth.credentials import WebhookCredential
from b24_pipeline.commands.models import build_models, update_models
from b24_pipeline.commands.opening import installation, note_misspelt_settings
from b24_pipeline.commands.screen import output, say, table
from b24_pipeline.commands.secret_input import FROM_INPUT, secret_of
from b24_pipeline.commands.sync import NoModels
from b24_pipeline.errors import UsageError
from b24_pipeline.settings import own_settings
from b24_pipeline.store.portals import pauses
from b24_pipeline.store.portals.portal import Portal, zone_name
from b24_pipeline.store.portals.portal_names import require_name
from b24_pipeline.store.qualification import evaluation as store
from b24_pipeline.store.qualification.conditions import Condition, read_conditions
from b24_pipeline.sync.portals.webhook import connect_webhook


class CountedType(StrEnum):
    """Which funnel is counted: of leads, of deals, or both."""

    LEAD = "lead"
    DEAL = "deal"
    BOTH = "both"


class Plan(StrEnum):
    """The portal's plan, which sets its request budget."""

    STANDARD = "standard"
    ENTERPRISE = "enterprise"


_COUNTED = "Whose funnel you count; left out, a known portal keeps its own, of a new one it is both."


def add(
    name: Annotated[str, typer.Argument(help="What you call this portal.")],
    webhook_url: Annotated[
        str | None,
        typer.Option(
            help="The inbound webhook, as the portal shows it. Left out, it is asked for without being shown; "
            "- reads it from standard input. As a value other users of the machine can see it.",
            envvar="B24_WEBHOOK_URL",
            show_envvar=True,
        ),
    ] = None,
    entity_type: Annotated[CountedType | None, typer.Option(help=_COUNTED)] = None,
    plan: Annotated[
        Plan | None,
        typer.Option(
            help="Sets the request budget; left out, a known portal keeps its own, a new one is standard."
        ),
    ] = None,
    moved: Annotated[bool, typer.Option("--moved", help="The same portal, at a new address.")] = False,
    application_token: Annotated[
        str | None,
        typer.Option(
            help="Proves the events of its outgoing webhook; the portal shows it there. - reads it from standard "
            "input, behind the webhook.",
            envvar="B24_APPLICATION_TOKEN",
        ),
    ] = None,
) -> None:
    """Connect a portal by its webhook credential; nothing is stored unless it answers."""
    require_name(name)
    note_misspelt_settings()
    url = secret_of(webhook_url, "--webhook-url", "the inbound webhook")
    if application_token == FROM_INPUT:
        application_token = secret_of(application_token, "--application-token", "the application token")
    credential = WebhookCredential.parse(url, own_settings().allowed_portals)
    with installation(own=True, without_locks=True) as opened:
        _, found = connect_webhook(
            opened.connections,
            name,
            credential,
            entity_type=entity_type and str(entity_type),
            plan=plan and str(plan),
            moved=moved,
            application_token=application_token,
        )
    for warning in found.warnings:
        say(f"note: {warning}")
    days = f"days in {zone_name(found.time_zone)}"
    output.print(f"{name} is connected ({credential.address.domain}, {days}); next: b24 sync {name}")


def connect(
    name: Annotated[str, typer.Argument(help="What you call this portal.")],
    domain: Annotated[str, typer.Argument(help="Its address, such as acme.bitrix24.com.")],
    entity_type: Annotated[CountedType | None, typer.Option(help=_COUNTED)] = None,
) -> None:
    """Print the link by which a browser connects a portal by OAuth; `b24 serve` has to run."""
    with installation(own=True, without_locks=True) as opened:
        link = opened.connector().link(name, domain, entity_type)
        known = {portal.name: portal.domain for portal in opened.portals.all()}.get(name)
    if known and known not in domain:
        say(
            f"note: {name} is {known}; the link connects it only if this is the same portal at another address"
        )
    say(
        "open this in a browser that is signed in to the portal as an administrator; "
        "it is good for one connection, within a day:"
    )
    output.print(link, soft_wrap=True)


def show() -> None:
    """List the connected portals."""
    with installation(without_locks=True) as opened:
        portals = opened.portals.all()
    rows = [(p.name, p.domain, p.status, p.entity_type, p.plan, p.zone_name) for p in portals]
    table(("name", "domain", "status", "entity type", "plan", "time zone"), rows)
    if not rows:
        say("no portal yet; connect one with: b24 portal add NAME")


def pause(name: Annotated[str, typer.Argument(help="The portal.")]) -> None:
    """Have nothing asked of a portal until it is resumed; its events are kept meanwhile, and its figures stay."""
    with installation(without_locks=True) as opened:
        pauses.pause(opened.warehouse, opened.portals.one(name))
    output.print(f"{name} is paused; it goes on with: b24 portal resume {name}")


def resume(name: Annotated[str, typer.Argument(help="The portal.")]) -> None:
    """Let a portal go on that was paused: the next sync reads what has changed meanwhile."""
    with installation(without_locks=True) as opened:
        pauses.resume(opened.warehouse, opened.portals.one(name))
    output.print(f"{name} goes on; next: b24 sync {name}")


def remove(
    name: Annotated[str, typer.Argument(help="The portal.")],
    purge: Annotated[bool, typer.Option("--purge", help="Delete its data too, after asking.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking, for scripts.")] = False,
) -> None:
    """Forget a portal's credential; its data stays unless it is purged."""
    with installation() as opened:
        portal = opened.portals.one(name)
        if purge and not yes:
            _ask_before_purge(portal)
        if opened.oauth and portal.connected_by == "oauth":
            opened.connector().disconnect(portal)
        opened.portals.remove(name, purge=purge)
        if purge:
            build_models(opened, only_changed=True)
    output.print(
        f"{name} is removed with all its data, also from the figures"
        if purge
        else f"{name} is disconnected; its data stays"
    )


def _ask_before_purge(portal: Portal) -> None:
    """Goes on if a person says yes. Raises UsageError where nobody can be asked."""
    if not sys.stdin.isatty():
        raise UsageError(
            f"--purge deletes all data of {portal.name}; say so by --yes where nobody can be asked"
        )
    typer.confirm(
        f"{portal.name} ({portal.domain}) and all that was copied from it, with its history, will be deleted "
        "from this database. Delete it?",
        abort=True,
        err=True,
    )


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
    no_models: NoModels = False,
) -> None:
    """Show or set what makes a lead or deal of the portal qualified: any one condition suffices."""
    if clear and conditions is not None:
        raise UsageError("give --set or --clear, not both")
    wanted = () if clear else None if conditions is None else read_conditions(_json(conditions))
    with installation() as opened:
        account = opened.portals.one(name).id
        transact = opened.warehouse.transact
        if wanted is None:
            found = transact(store.conditions_of, account)
        else:
            found = transact(store.set_conditions, account, wanted)
        counts = transact(store.count_qualified, account)
        built = update_models(opened) if wanted is not None and not no_models else None
    _show(name, found, counts)
    if built:
        built.raise_for_own_models()


def _json(given: str) -> Any:
    """The JSON that was given, or that the file of that name holds. Raises UsageError."""
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
    rows = [(rule.entity_type, rule.field_name, rule.field_type, _wanted(rule)) for rule in conditions]
    table(("entity", "field", "type", "qualified if"), rows)
    output.print(f"qualified now: {counts['lead']} leads, {counts['deal']} deals")


def _wanted(condition: Condition) -> str:
    if condition.field_type == "boolean":
        return "yes"
    if condition.field_type == "enumeration":
        return f"{condition.enum_value or ''} ({condition.enum_id})".strip()
    return condition.enum_value or ""
