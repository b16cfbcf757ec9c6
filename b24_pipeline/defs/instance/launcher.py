"""Where runs of Dagster are started: beside the code server, or by workers that take them from a broker.

dagster.yaml names the class `B24RunLauncher`, so B24_BROKER_URL alone decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagster._core.launcher import DefaultRunLauncher, RunLauncher
from dagster._serdes import ConfigurableClassData

from b24_pipeline.settings import settings


class B24RunLauncher(DefaultRunLauncher):
    """Starts each run as a process beside the code server, unless B24_BROKER_URL names a broker."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """The configuration in dagster.yaml: none."""
        return {}

    @classmethod
    def from_config_value(  # type: ignore[override]
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> RunLauncher:
        """Dagster's own launcher, or the one that hands runs to workers.

        Raises SettingsError where a broker is named and the packages that speak to it are not installed.
        """
        del config_value
        broker = settings().b24_broker_url
        if broker is None:
            return cls(inst_data=inst_data)
        from b24_pipeline.defs.instance.broker import require_packages

        require_packages()
        from b24_pipeline.defs.instance.celery_launcher import CeleryLauncher

        return CeleryLauncher(broker.get_secret_value(), inst_data=inst_data)
