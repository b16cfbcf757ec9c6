"""What is wrong with the settings of a service that starts nevertheless, told before anybody waits for it."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from b24_pipeline.commands.screen import complain, say
from b24_pipeline.runtime import Runtime
from b24_pipeline.settings import Settings


def show_service_notes(opened: Runtime, port: int) -> None:
    """Complains of each portal that our keys do not open, and notes where links lead to another port than ours."""
    for line in opened.portals.unopened():
        complain(line)
    elsewhere = links_lead_elsewhere(opened.settings, port)
    if elsewhere:
        say(f"note: {elsewhere}")


def links_lead_elsewhere(chosen: Settings, port: int) -> str | None:
    """Where B24_PUBLIC_URL names this machine but not our port; behind a proxy the ports differ rightly."""
    public = urlsplit(chosen.b24_public_url)
    named = public.port or (443 if public.scheme == "https" else 80)
    if not _is_this_machine(public.hostname or "") or named == port:
        return None
    return (
        f"the service listens at port {port}, but links of `b24 portal connect` begin with {chosen.b24_public_url}: "
        f"put B24_PUBLIC_URL=http://127.0.0.1:{port} into .env"
    )


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
