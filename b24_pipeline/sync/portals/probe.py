"""Probes a credential before it is stored: whether a sync can use it, for which user, and in which time zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from b24_pipeline.bitrix.batch import Command
from b24_pipeline.bitrix.client import BitrixClient
from b24_pipeline.errors import ApiError, ScopeMissing, UnreadableAnswer

NEEDED_SCOPES = ("crm",)
DEPARTMENT_SCOPE = "department"
WANTED_SCOPES = ("user", "user_basic", "user_brief")

# offsets of whole hours have zones of their own (Etc/GMT...); for others a place with that offset is taken
_BETWEEN_HOURS = {
    timedelta(hours=-9, minutes=-30): "Pacific/Marquesas",
    timedelta(hours=-3, minutes=-30): "America/St_Johns",
    timedelta(hours=-2, minutes=-30): "America/St_Johns",
    timedelta(hours=3, minutes=30): "Asia/Tehran",
    timedelta(hours=4, minutes=30): "Asia/Kabul",
    timedelta(hours=5, minutes=30): "Asia/Kolkata",
    timedelta(hours=5, minutes=45): "Asia/Kathmandu",
    timedelta(hours=6, minutes=30): "Asia/Yangon",
    timedelta(hours=8, minutes=45): "Australia/Eucla",
    timedelta(hours=9, minutes=30): "Australia/Darwin",
}


@dataclass(frozen=True, slots=True)
class Probe:
    """The result of a probe: the credential's user, the portal's time zone (IANA name), and warnings for a person.

    `is_admin`: whether the user is an administrator of the portal.
    """

    user_id: int
    time_zone: str
    warnings: tuple[str, ...]
    is_admin: bool = False


def probe(client: BitrixClient) -> Probe:
    """Asks a portal for the credential's user, scopes and time.

    Raises PortalError: PortalUnreachable, an error of the credential, ScopeMissing where it may not read the CRM,
    and UnreadableAnswer where no Bitrix24 portal answers.
    """
    profile = client.call("profile").result
    if not isinstance(profile, dict) or "ID" not in profile:
        raise UnreadableAnswer(
            client.portal, "answered, but not as a Bitrix24 portal does; is this its address?"
        )
    answer = client.batch({"scope": Command("scope", {}), "time": Command("server.time", {})})
    try:
        user_id, scopes = int(profile["ID"]), [str(scope) for scope in answer.get("scope")]
        moment = datetime.fromisoformat(str(answer.get("time")))
    except (TypeError, ValueError):
        raise UnreadableAnswer(
            client.portal, "profile, scope and server.time: expected an id, a list and a time"
        ) from None
    _require_crm(client, scopes)
    zone = time_zone_of(profile, client.clock or moment)
    return Probe(user_id, zone, _warnings(profile, scopes), is_admin=profile.get("ADMIN") is True)


def plan_of(client: BitrixClient) -> str:
    """The plan of a portal by `app.info`: "enterprise" or "standard"; "standard" also where the portal does not say."""
    try:
        found = client.call("app.info").result
    except ApiError:
        return "standard"
    family = found.get("LICENSE_FAMILY") if isinstance(found, Mapping) else None
    return "enterprise" if str(family).lower() == "ent" else "standard"


def _require_crm(client: BitrixClient, scopes: list[str]) -> None:
    missing = [scope for scope in NEEDED_SCOPES if scope not in scopes]
    if missing:
        raise ScopeMissing(
            client.portal, "scope", "insufficient_scope", f"it lacks {', '.join(missing)}", 200
        )


def _warnings(profile: Mapping[str, Any], scopes: list[str]) -> tuple[str, ...]:
    warnings = []
    if profile.get("ADMIN") is not True:
        warnings.append(
            "the credential's owner is no administrator: rows and pipelines that they may not see will be missing"
        )
    if not set(WANTED_SCOPES) & set(scopes):
        warnings.append("the scope `user` is missing: names of responsible persons will be missing")
    if DEPARTMENT_SCOPE not in scopes:
        warnings.append("the scope `department` is missing: figures by department will be missing")
    return tuple(warnings)


def time_zone_of(profile: Mapping[str, Any], portal_time: datetime) -> str:
    """The time zone in which the portal's days are counted, as an IANA name.

    The portal's answers have only the server's offset. The user's zone has a name and
    daylight saving time, so it is taken if it agrees with the offset; else a zone of that offset.
    """
    offset = portal_time.utcoffset() or timedelta()
    name = str(profile.get("TIME_ZONE") or "")
    if name and _offset_in(name, portal_time) == offset:
        return name
    hours, rest = divmod(offset, timedelta(hours=1))
    if rest:
        return _BETWEEN_HOURS.get(offset, "UTC")
    # these names have the opposite sign: Etc/GMT-3 is UTC+3
    return f"Etc/GMT{-hours:+d}" if hours else "UTC"


def _offset_in(name: str, moment: datetime) -> timedelta | None:
    try:
        return moment.astimezone(ZoneInfo(name)).utcoffset()
    except (ZoneInfoNotFoundError, OSError, ValueError):  # a name may be that of a folder
        return None
