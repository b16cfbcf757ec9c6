"""Which scope a method needs: most methods begin with its name, some do not."""

from __future__ import annotations

_OF_METHODS = {"voximplant": "telephony", "tasks": "task"}


def scope_of(method: str) -> str:
    """The scope of a method: `crm.deal.list` needs `crm`, `voximplant.statistic.get` `telephony`."""
    head = method.lower().partition(".")[0]
    return _OF_METHODS.get(head, head)
