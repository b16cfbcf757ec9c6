"""Errors of a call: the user asked for something that does not exist or does not fit (exit code 2)."""

from __future__ import annotations

from collections.abc import Iterable

from b24_pipeline.errors.base import B24Error


class UsageError(B24Error):
    """The call itself is wrong; nothing was tried."""


class UnknownPortal(UsageError):
    """There is no portal of this name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        names = ", ".join(sorted(known)) or "none yet: add one with `b24 portal add`"
        super().__init__(f"no portal is called {name!r}; connected: {names}")


class UnknownEntity(UsageError):
    """There is no entity of this name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"no entity is called {name!r}; known: {', '.join(known)}")


class UnknownStage(UsageError):
    """The portal has no such stage, or has deleted it."""

    case = "unknown_stage"

    def __init__(self, stage: object) -> None:
        super().__init__(f"the portal has no stage {stage}; /bitrix24/pipelines lists them")


class UnknownDirection(UsageError):
    """The account has no such direction."""

    case = "unknown_direction"

    def __init__(self, direction: object) -> None:
        super().__init__(f"the account has no direction {direction}; /bitrix24/directions lists them")


class UnknownCreative(UsageError):
    """The account has no such creative."""

    case = "unknown_creative"

    def __init__(self, creative: object) -> None:
        super().__init__(f"the account has no creative {creative}; /bitrix24/creatives lists them")


class DirectionExists(UsageError):
    """The account has a direction of this name."""

    case = "direction_exists"

    def __init__(self) -> None:
        super().__init__("the account has a direction of this name; /bitrix24/directions lists them")


class FlagsContradict(UsageError):
    """A stage cannot count as won and as lost."""

    case = "flags_contradict"

    def __init__(self) -> None:
        super().__init__(
            "the stage would count as won and as lost at once; take one flag back in the same call"
        )


class UnknownMart(UsageError):
    """There is no mart of this name. `instead`: how what has this name is read."""

    def __init__(self, name: str, known: Iterable[str], instead: str = "") -> None:
        super().__init__(f"no mart is called {name!r}; {instead or 'known: ' + ', '.join(sorted(known))}")


class UnknownRole(UsageError):
    """The database has no such role, or it is no analyst's."""


class NoCustomFields(UsageError):
    """A portal has no views of custom fields: there is none of this name, or it was never synced."""

    def __init__(self, portal: str) -> None:
        super().__init__(f"{portal!r} has no views of custom fields; sync it first: b24 sync {portal}")


class RoleReadsMore(UsageError):
    """An analyst's role could read tables of ours that are not for analysts."""

    def __init__(self, role: str, relation: str) -> None:
        super().__init__(
            f"the role {role} can read {relation} too: it is a superuser, a member of another role, or was "
            "granted it; nothing was changed; take that right away or choose another role"
        )


class RolesNotOurs(UsageError):
    """The role of DATABASE_URL may not create roles."""

    def __init__(self, role: str) -> None:
        super().__init__(
            "the role of DATABASE_URL may not create roles; let an administrator run "
            f"`create role {role} login password '...'`, then run this again without --create-login"
        )


class ConditionRefused(UsageError):
    """A condition of qualification cannot be read, or does not fit the portal's fields."""


class WrongDates(UsageError):
    """A date cannot be read, or a range ends before it begins."""


class EntityTypeNotCounted(UsageError):
    """Leads or deals are asked for, and the portal's setting says to count only the other."""

    def __init__(self, portal: str, wanted: str, counted: str) -> None:
        super().__init__(
            f"{portal}: {wanted} was asked for, and only {counted} is counted; "
            "change it by POST /bitrix24/entity-type"
        )


class PortalConflict(UsageError):
    """The name belongs to another portal, or the portal is connected under another name."""


class AccountNeeded(UsageError):
    """Several portals are connected, and the call does not say which."""

    def __init__(self) -> None:
        super().__init__("several portals are connected: say which by `account`, the portal's name")


class KeyRefused(UsageError):
    """A management call came without the right key."""


class RoleTooLow(UsageError):
    """The key may be used, but not for this."""


class NoFigures(UsageError):
    """Figures are asked for, and the models were not built yet."""

    case = "no_figures"

    def __init__(self) -> None:
        super().__init__("the SQL models are not built yet; they are after the first sync")


class ForeignForm(UsageError):
    """A form came that none of our pages sent in this browser's session."""


class NotProtected(UsageError):
    """Somebody wants to sign in where others could read the key on its way."""

    def __init__(self) -> None:
        super().__init__(
            "the pages are open over https, or on this machine; set B24_PUBLIC_URL to the https address of the service"
        )


class KeyNameTaken(UsageError):
    """Another key that works has this name."""

    case = "key_name_taken"

    def __init__(self, name: str) -> None:
        super().__init__(f"a key is called {name!r} already; revoke it first: b24 access revoke {name}")


class UnknownKey(UsageError):
    """No key that works has this name."""

    case = "unknown_key"

    def __init__(self, name: str) -> None:
        super().__init__(f"no key is called {name!r}; see: b24 access list")


class TooOften(UsageError):
    """The same thing was asked more often than a person would."""
