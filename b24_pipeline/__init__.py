"""Bitrix24 in PostgreSQL: complete, fresh, with its history, and with figures one can trust."""

from __future__ import annotations

TYPE_CHECKING = (
    False  # as type checkers know it: `typing` is slow to import, and `b24` is to hear Ctrl-C at once
)

if TYPE_CHECKING:
    from b24_pipeline.defs.component import PortalsComponent

    Portals = PortalsComponent


def __getattr__(name: str) -> object:
    """The component of Dagster, imported when it is asked for: Dagster takes a second to import."""
    if name == "Portals":
        from b24_pipeline.defs.component import PortalsComponent

        return PortalsComponent
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The names of this module; `dg list components` finds the component among them."""
    return [*globals(), "Portals"]
