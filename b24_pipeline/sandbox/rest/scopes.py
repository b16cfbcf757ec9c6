"""Which scope a method needs: most methods begin with its name, some do not."""

from __future__ import annotations

_USER_SCOPES = ("user_basic", "user_brief")
_OF_METHODS = {"voximplant": "telephony", "tasks": "task"}


def scope_of(method: str) -> str:
    """The scope of a method: `crm.deal.list` needs `crm`, `voximplant.statistic.get` `telephony`."""
    head = method.lower().partition(".")[0]
    return _OF_METHODS.get(head, head)


def scopes_of(method: str) -> set[str]:
    """The scopes of which any one will do: users may be read with fewer fields too."""
    scope = scope_of(method)
    return {scope, *_USER_SCOPES} if scope == "user" else {scope}
