"""The events by which a portal tells of an entity.

docs/bitrix24-rest.md, section 7; docs/bitrix24-rest-more.md, section 1.5.
"""

from __future__ import annotations

from dataclasses import dataclass

_CHANGES = ("ADD", "UPDATE", "DELETE")


@dataclass(frozen=True, slots=True)
class Events:
    """The names of the events that tell of an entity.

    `objects` name an object that has changed, `directories` say that its fields are others, or that there are others
    of its kind.
    """

    objects: tuple[str, ...] = ()
    directories: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.objects, *self.directories)


NO_EVENTS = Events()


def changes_of(name: str) -> tuple[str, ...]:
    """The events of objects of this name in upper case: added, changed, deleted."""
    return tuple(f"ONCRM{name}{change}" for change in _CHANGES)


def changes_of_fields(name: str) -> tuple[str, ...]:
    """The events of the custom fields of what has this name in upper case."""
    return (*changes_of(f"{name}USERFIELD"), f"ONCRM{name}USERFIELDSETENUMVALUES")
