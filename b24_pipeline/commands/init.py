"""`b24 init`: the files that an installation needs in its folder, each with its explanation inside."""

from __future__ import annotations

import getpass
import secrets
import sys
from pathlib import Path
from string import Template

from b24_pipeline.commands.called_as import b24_as_called
from b24_pipeline.commands.screen import output, say
from b24_pipeline.paths import bundled

_TEMPLATES = Path(__file__).parent / "init_files"
_FILES = {
    ".env": "settings, with ",
    "workspace.yaml": "what `dagster dev -w workspace.yaml` loads",
    "dagster.yaml": "Dagster's instance: its storage is our database",
    "b24.service": "a unit for systemd; how to install it is written in it",
}
_KEYS = ("secret.keys", "admin.key")
"""Files of the embedded database under its home."""


def init() -> None:
    """Write workspace.yaml, dagster.yaml, .env and a systemd unit into this folder; files that are there stay."""
    folder = Path.cwd()
    for name, about in _FILES.items():
        if (folder / name).exists():
            output.print(f"{name} is there already and stays as it is", markup=False)
            continue
        _write(folder / name, _text(name, folder))
        output.print(f"{name}: {about}{_keys_of(folder) if name == '.env' else ''}", markup=False)
    b24 = b24_as_called()
    say("next, in this folder; for a database of your own, set DATABASE_URL in .env before:")
    say(f"    {b24} migrate")
    say(f"    {b24} portal add acme         (asks for the address of the webhook)")
    say(f"    {b24} sync")
    say(f"    {b24} up                      (until Ctrl-C)")


def _text(name: str, folder: Path) -> str:
    if name == ".env":
        return _template("env").substitute(
            secret_key=_kept(folder, "secret.keys") or _new_secret_key(),
            admin_key=_kept(folder, "admin.key") or secrets.token_urlsafe(32),
        )
    if name == "b24.service":
        named = {"folder": folder, "b24": _b24_for_systemd()}
        escaped = {key: str(value).replace("%", "%%") for key, value in named.items()}
        return _template(name).substitute(user=getpass.getuser(), **escaped)
    return bundled(name).read_text("utf-8")


def _keys_of(folder: Path) -> str:
    """Where the keys come from: what an embedded database has encrypted is opened by its own alone."""
    kept = [f".b24/{name}" for name in _KEYS if _kept(folder, name)]
    if not kept:
        return "keys that were made just now"
    return f"the keys of {' and '.join(kept)}, which stay as they are"


def _template(name: str) -> Template:
    return Template((_TEMPLATES / name).read_text("utf-8"))


def _kept(folder: Path, name: str) -> str | None:
    """A secret of the embedded database that is here already: what it has encrypted is to stay readable."""
    path = folder / ".b24" / name
    return path.read_text("utf-8").strip() if path.exists() else None


def _new_secret_key() -> str:
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()


def _b24_for_systemd() -> str:
    """The command with its whole path, in quotes, since a folder's name may have a space."""
    program = Path(sys.prefix) / "bin" / "b24"
    return f'"{program}"' if program.exists() else f'"{sys.executable}" -m b24_pipeline'


def _write(path: Path, text: str) -> None:
    from b24_pipeline.store.database.private_files import private_file

    if path.name == ".env":
        with private_file(path, "x") as file:
            file.write(text)
    else:
        path.write_text(text, "utf-8")
