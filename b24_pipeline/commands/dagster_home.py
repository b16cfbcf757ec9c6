"""The folder that Dagster's processes have as DAGSTER_HOME, inside of B24_HOME."""

from __future__ import annotations

from pathlib import Path

from b24_pipeline.paths import bundled
from b24_pipeline.settings import Settings
from b24_pipeline.store.database.private_files import home_folder, private_file, private_folder

BEGINS, WAITS = "start_timeout_seconds: 120", "start_timeout_seconds: 600"
"""How long a run may take to begin: the line of dagster.yaml, and what it is where one may wait for a worker."""


def dagster_home(settings: Settings) -> Path:
    """The folder of Dagster's step logs; dagster.yaml is copied there at each start."""
    home = private_folder(home_folder(settings.b24_home) / "dagster")
    text = bundled("dagster.yaml").read_text("utf-8")
    with private_file(home / "dagster.yaml", "w") as file:
        file.write(text.replace(BEGINS, WAITS) if settings.b24_broker_url else text)
    return home
