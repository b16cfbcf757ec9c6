"""What people changed, in words: the database has codes, which programs read too."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from b24_pipeline.store.access.audit import Change, parts
from b24_pipeline.web.frame.translations import later as _

WHAT = {
    "portal": _("portal"),
    "stage flags": _("flags of a stage"),
    "key stages": _("key stages"),
    "qualification": _("qualification"),
    "own leads": _("own leads"),
    "own lead link": _("link of an own lead"),
    "key": _("key"),
}
"""What was changed, by the code in the column `what`."""

NAMES = {
    "address": _("address"),
    "counted": _("counted"),
    "plan": _("plan"),
    "status": _("state"),
    "connected_by": _("connected by"),
    "qualified": _("qualified"),
    "won": _("won"),
    "lost": _("lost"),
    "of": _("of"),
    "stages": _("stages"),
    "role": _("role"),
    "portals": _("portals"),
    "type": _("entity"),
    "id": _("number"),
    "added": _("added"),
    "changed": _("changed"),
    "entity_type": _("entity"),
    "field_name": _("field"),
    "field_type": _("kind of field"),
    "field_id": _("number of the field"),
    "enum_id": _("value"),
    "enum_value": _("text"),
    "category_id": _("pipeline"),
    "status_id": _("stage"),
}
"""The parts of what was changed, by their codes."""

VALUES = {
    "lead": _("leads"),
    "deal": _("deals"),
    "contact": _("contacts"),
    "company": _("companies"),
    "both": _("leads and deals"),
    "connected": _("connected"),
    "reauthorization_required": _("must be connected again"),
    "paused": _("paused"),
    "disconnected": _("disconnected"),
    "standard": _("standard"),
    "enterprise": _("enterprise"),
    "webhook": _("a webhook"),
    "oauth": _("an application"),
    "viewer": _("viewer"),
    "manager": _("manager"),
    "admin": _("admin"),
    "all": _("all"),
    "boolean": _("yes/no"),
    "enumeration": _("list"),
    "string": _("text"),
}
"""Codes of ours among the values of `CODED`; others are shown as they are."""

CODED = {
    "counted",
    "plan",
    "status",
    "connected_by",
    "of",
    "role",
    "portals",
    "type",
    "entity_type",
    "field_type",
}

ACTORS = {
    "pipeline": _("the pipeline itself"),
    "whoever was invited, in a browser": _("whoever was invited, in a browser"),
}
_COMMAND = re.compile(r"b24 ([\w-]+) by (.+)", re.DOTALL)
Gettext = Callable[[str], str]


def actor(changed_by: str, text: Gettext) -> str:
    """Who it was: the name of a key, a command and who ran it, or the pipeline itself."""
    command = _COMMAND.fullmatch(changed_by)
    if command:
        return text(_("the command b24 %(command)s by %(user)s")) % {
            "command": command[1],
            "user": command[2],
        }
    return text(ACTORS[changed_by]) if changed_by in ACTORS else changed_by


def subject(change: Change, text: Gettext) -> str:
    """What was changed, and which one."""
    kind = text(WHAT[change.what]) if change.what in WHAT else change.what
    first, blank, rest = change.subject.partition(" ")
    if change.what == "stage flags" and first in VALUES:
        return f"{kind}: {text(VALUES[first])}{blank}{rest}"
    return f"{kind}: {change.subject}"


def sentence(change: Change, text: Gettext) -> str:
    """What differs, as `name: old → new`."""
    return ", ".join(
        (f"{_name(name, text)}: " if name else "") + f"{_said(old, text, name)} → {_said(new, text, name)}"
        for name, old, new in parts(change)
    )


def _name(code: str, text: Gettext) -> str:
    return text(NAMES[code]) if code in NAMES else code


def _said(value: Any, text: Gettext, name: str) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return text(_("yes")) if value else text(_("no"))
    if isinstance(value, Mapping):
        return " ".join(f"{_name(name, text)}={_said(part, text, name)}" for name, part in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "; ".join(_said(part, text, "") for part in value) or "–"
    written = str(value)
    return text(VALUES[written]) if name in CODED and written in VALUES else written
