"""What people changed, in words: the database has codes, which programs read too."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from b24_pipeline.store.access.audit import Change, parts
from b24_pipeline.store.access.audit_names import OWN_LEAD, AuditNames
from b24_pipeline.web.frame.translations import later as _

WHAT = {
    "portal": _("portal"),
    "entities": _("entity that is read"),
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
    "invoice": _("invoices"),
    "quote": _("quotes"),
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

CARDS = {
    "deal": _("deal %(number)s"),
    "lead": _("lead %(number)s"),
    "contact": _("contact %(number)s"),
    "company": _("company %(number)s"),
}
"""What an own lead is linked to."""

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


def subject(change: Change, names: AuditNames, text: Gettext) -> str:
    """What was changed, and which one."""
    kind = text(WHAT[change.what]) if change.what in WHAT else change.what
    codes = change.subject.split(" ", 2)
    if change.what == "stage flags" and len(codes) == 3:
        entity_type, category_id, status_id = codes
        return f"{kind}: {_stage(change, entity_type, category_id, status_id, names, text)}"
    if change.what == "entities":
        return f"{kind}: {_said(change.subject, 'entity_type', change, names, text)}"
    return f"{kind}: {names.own_leads.get(change.subject, change.subject)}"


def sentence(change: Change, names: AuditNames, text: Gettext) -> str:
    """What differs, as `name: old → new`; of what is new or gone, what it is or was."""
    if change.what == "entities":
        return " → ".join(
            text(_("read") if state else _("not read")) for state in (change.before, change.after)
        )
    said = partial(_said, change=change, names=names, text=text)
    if isinstance(change.before, Mapping) and isinstance(change.after, Mapping) and "id" not in change.after:
        return ", ".join(
            f"{_name(name, text)}: {said(old, name)} → {said(new, name)}" for name, old, new in _told(change)
        )
    if isinstance(change.before, Mapping) or isinstance(change.after, Mapping):
        if change.what != OWN_LEAD and change.before is None:
            if isinstance(change.after, Mapping) and "added" in change.after:
                return said(change.after, "")  # a file that was loaded: it has counts of its own
            return ": ".join(filter(None, (text(_("added")), said(change.after, ""))))
        if change.what != OWN_LEAD and change.after is None:
            return text(_("removed; it was: %(was)s")) % {"was": said(change.before, "")}
    return f"{said(change.before, '')} → {said(change.after, '')}"


def _told(change: Change) -> list[tuple[str, Any, Any]]:
    """The parts to tell: whether key stages are of leads or deals, their names say."""
    found = parts(change)
    return [part for part in found if part[0] != "of"] or found


def _name(code: str, text: Gettext) -> str:
    return text(NAMES[code]) if code in NAMES else code


def _said(value: Any, name: str, change: Change, names: AuditNames, text: Gettext) -> str:
    """A value in words; `name` is the code of the part that it is of."""
    said = partial(_said, change=change, names=names, text=text)
    if value is None or value == []:
        return text(_("found by the matching")) if change.what == OWN_LEAD else text(_("none"))
    if isinstance(value, bool):
        return text(_("yes")) if value else text(_("no"))
    if isinstance(value, Mapping):
        return _object(value, change, names, text)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "; ".join(said(part, "") for part in value)
    written = str(value)
    if name == "entity_type":
        written = names.smart_types.get((change.portal or "", written), written)
    return text(VALUES[written]) if name in CODED and written in VALUES else written


def _object(value: Mapping[str, Any], change: Change, names: AuditNames, text: Gettext) -> str:
    """A stage, a condition, a card, or the parts that say something."""
    if "status_id" in value:
        entity_type = _of(change)
        return _stage(change, entity_type, str(value["category_id"]), str(value["status_id"]), names, text)
    if "field_name" in value:
        return _condition(value, change, names, text)
    if change.what == OWN_LEAD:
        card = CARDS.get(str(value.get("type")))
        return text(card) % {"number": value["id"]} if card and value.get("id") else text(_("nobody"))
    return ", ".join(
        f"{_name(name, text)}: {_said(part, name, change, names, text)}"
        for name, part in value.items()
        if part is not None and part != [] and name != "of"
    )


def _of(change: Change) -> str:
    """The entity type of key stages; those of a direction are all of one."""
    known = [state.get("of") for state in (change.after, change.before) if isinstance(state, Mapping)]
    return next((str(one) for one in known if one), "deal")


def _stage(
    change: Change, entity_type: str, category_id: str, status_id: str, names: AuditNames, text: Gettext
) -> str:
    found = names.stage(change.portal, entity_type, category_id, status_id)
    usual = text(_("Leads")) if entity_type == "lead" else text(_("Deals"))
    return f"{usual if entity_type == 'lead' else found.pipeline or usual}: {found.stage}"


def _condition(value: Mapping[str, Any], change: Change, names: AuditNames, text: Gettext) -> str:
    owner, code = str(value.get("entity_type") or ""), str(value["field_name"])
    wanted = value.get("enum_value") or value.get("enum_id")
    return text(_("%(entity)s, field “%(field)s”: %(value)s")) % {
        "entity": text(VALUES[owner]) if owner in VALUES else owner,
        "field": names.fields.get((change.portal or "", owner, code), code),
        "value": text(_("yes")) if value.get("field_type") == "boolean" else wanted,
    }
