"""Runs the SQL models of dbt_like_sql/ in-process, in tenths of a second.

`load_project` reads the folder, `build` makes the tables and tests them,
`run_tests` only tests. dbt itself can do the same with the same folder.
"""

from b24_pipeline.models.build import build, run_tests
from b24_pipeline.models.checks import TestResult
from b24_pipeline.models.model import Check, Model, Source
from b24_pipeline.models.own import (
    OWN_SCHEMA,
    behind_since,
    build_own_models,
    load_own_models,
    stored_own_models,
)
from b24_pipeline.models.project import Project, load_project
from b24_pipeline.models.result import BuildResult, ModelResult
from b24_pipeline.models.selection import parted

__all__ = [
    "OWN_SCHEMA",
    "BuildResult",
    "Check",
    "Model",
    "ModelResult",
    "Project",
    "Source",
    "TestResult",
    "behind_since",
    "build",
    "build_own_models",
    "load_own_models",
    "load_project",
    "parted",
    "run_tests",
    "stored_own_models",
]
