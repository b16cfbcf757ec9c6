"""The folder that Dagster's processes have as DAGSTER_HOME, inside of B24_HOME."""

from __future__ import annotations

from pathlib import Path

from b24_pipeline.paths import bundled
from b24_pipeline.settings import Settings
from b24_pipeline.store.database.private_files import home_folder, private_file, private_folder


def dagster_home(settings: Settings) -> Path:
    """The folder of Dagster's step logs; dagster.yaml is copied there at each start."""
    home = private_folder(home_folder(settings.b24_home) / "dagster")
    with private_file(home / "dagster.yaml", "w") as file:
        file.write(bundled("dagster.yaml").read_text("utf-8"))
    return home
