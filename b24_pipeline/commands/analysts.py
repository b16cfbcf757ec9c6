"""`b24 analysts`: who may read the marts."""

from __future__ import annotations

from typing import Annotated

import typer

from b24_pipeline.commands.opening import installation
from b24_pipeline.commands.screen import output, say, table
from b24_pipeline.store.marts import analysts as store
from b24_pipeline.store.marts.custom_fields import keep_views

MOST_NAMED = 5

Role = Annotated[str, typer.Argument(help="The role in PostgreSQL.")]


def grant(
    role: Role,
    create_login: Annotated[
        bool, typer.Option("--create-login", help="Make the role, and print its password once.")
    ] = False,
    custom_fields: Annotated[
        list[str] | None,
        typer.Option(help="Also the custom fields of this portal, which may hold personal data. Repeatable."),
    ] = None,
) -> None:
    """Let a role read the marts, those built later too: no raw tables, no phones, no tokens."""
    with installation(without_locks=True) as opened:
        for portal in opened.portals.named(custom_fields) if custom_fields else ():
            keep_views(opened.warehouse, portal.id)
        granted = store.grant(
            opened.warehouse,
            role,
            _readable(),
            custom_fields=custom_fields or (),
            create_login=create_login,
        )
        url = opened.warehouse.url.for_role(role, granted.password)
        is_embedded = opened.settings.database_url is None
    if granted.password:
        say("this is shown once:")
        output.print(url.for_people(hide_password=False), soft_wrap=True, markup=False)
        if is_embedded:
            say(
                "note: the embedded PostgreSQL takes it on this machine and while it runs, as long as `b24 up` does; "
                "for analysts on other machines set DATABASE_URL to a server of your own"
            )
    output.print(f"{role} reads the marts in the schema analytics")
    for portal_name in custom_fields or ():
        output.print(f"{role} reads the custom fields of {portal_name}, whatever is in them")
    if granted.limits_refused:
        say(f"note: the role of DATABASE_URL may not set all limits of {role}; an administrator should run:")
        for refused in granted.limits_refused:
            output.print(f"{refused};", soft_wrap=True, markup=False)


def revoke(role: Role) -> None:
    """Take the rights of a role back; the role itself stays."""
    with installation(without_locks=True) as opened:
        left = store.revoke(opened.warehouse, role, _readable().schema)
    if not left:
        output.print(f"{role} reads nothing in this database any more")
        return
    more = f" and {len(left) - MOST_NAMED} more" if len(left) > MOST_NAMED else ""
    output.print(f"{role} reads no mart any more")
    say(
        f"note: {role} can still read {', '.join(left[:MOST_NAMED])}{more}, which `b24 analysts grant` gave it not; "
        "take it back by hand"
    )


def show() -> None:
    """List the roles that read the marts."""
    with installation(without_locks=True) as opened:
        found = store.analysts(opened.warehouse)
    rows = [(role.role_name, role.granted_at, ", ".join(role.custom_fields)) for role in found]
    table(("role", "since", "custom fields of"), rows)
    if not rows:
        say("no role yet; make one with: b24 analysts grant ROLE --create-login")


def _readable() -> store.Readable:
    from b24_pipeline.models import load_project

    project = load_project()
    marts = [model.name for model in project.models.values() if model.is_mart]
    inner = [schema for schema in project.schemas if schema != project.schema]
    return store.Readable(project.schema, marts, inner)
