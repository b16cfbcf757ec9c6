"""The home folder of the demo, inside of the user's own: its database, and the settings by which it is used.

`b24 demo` keeps its settings there, so that other commands find its data and can speak to its portal while that runs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

_SETTINGS = "settings.json"
_SOCKET_LINE = 4
"""Where PostgreSQL's own file says in which folder its socket is."""


def demo_of(home: Path) -> Path:
    """The demo's home inside of this one."""
    return home / "demo"


def settings_file(demo: Path) -> Path:
    """Where the settings of a demo are kept."""
    return demo.expanduser() / _SETTINGS


def has_database(home: Path) -> bool:
    """Whether an embedded PostgreSQL was ever started in this home."""
    return _is_there(home.expanduser() / "postgres")


def lacks_database(home: Path) -> bool:
    """Whether we see that no embedded PostgreSQL was ever started in this home."""
    try:
        return not (home.expanduser() / "postgres").exists()
    except OSError:
        return False


def is_demo(home: Path) -> bool:
    """Whether a demo has made this home."""
    return _is_there(settings_file(home))


def _is_there(path: Path) -> bool:
    """Whether we see something there. That a home belongs to another user is told where it is opened."""
    try:
        return path.exists()
    except OSError:
        return False


def has_demo(home: Path) -> bool:
    """Whether a demo has left a database in this home."""
    demo = demo_of(home)
    return is_demo(demo) and has_database(demo)


def which_database(chosen: Path, given: Path, *, url: str | None, is_named: bool) -> str | None:
    """What a person has to know where there is more than one database; None where there is only one.

    `chosen`: the home that is used. `given`: the home of the user's own settings, `is_named` by B24_HOME; `url`: their
    DATABASE_URL, which the demo's home is not used with.
    """
    if chosen != given:
        own = f"your own, in {given}, has no portal yet:" if has_database(given) else "your own begins with"
        return (
            f"this is the demo's database, in {chosen}, whose portal runs only while `b24 demo` does; "
            f"{own} `b24 portal add`"
        )
    if is_demo(given):  # it was asked for by name
        return "DATABASE_URL is left out: the demo works on its own database alone" if url else None
    if is_named and not url:
        return None
    if url and _is_served_from(demo_of(given), url):
        return "this is the demo's database: DATABASE_URL names it"
    demo = f"the demo's (B24_HOME={demo_of(given)} names it)" if has_demo(given) else None
    if url and not _is_served_from(given, url):
        embedded = f"the embedded one in {given}" if has_database(given) else None
        others = " and ".join(filter(None, (embedded, demo)))
        return f"this is the database of DATABASE_URL, not {others}" if others else None
    return f"this is the database in {given}, not {demo}" if demo else None


def _is_served_from(home: Path, url: str) -> bool:
    """Whether the URL names the embedded server of this home, while it runs."""
    try:
        lines = (home.expanduser() / "postgres" / "postmaster.pid").read_text("utf-8").splitlines()
    except OSError:
        return False
    folder = lines[_SOCKET_LINE] if len(lines) > _SOCKET_LINE else ""
    return bool(folder) and folder in unquote(url)


def as_text(values: Mapping[str, Any]) -> str:
    """The settings of a demo, as they are kept."""
    return json.dumps(values, indent=2) + "\n"


def demo_settings(demo: Path) -> dict[str, Any]:
    """The settings of a demo. What is its own goes before the environment: it never works on the user's database."""
    kept: dict[str, Any] = json.loads(settings_file(demo).read_text("utf-8"))
    own: dict[str, Any] = {
        "database_url": None,
        "b24_secret_keys": None,
        "b24_admin_key": None,
        "b24_select": {},
    }
    return own | kept | {"b24_home": demo}
