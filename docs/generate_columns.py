"""Writes b24_pipeline/defs/assets/table_columns.json: the columns of raw tables before the first run.

`.venv/bin/python docs/generate_columns.py` takes them from the database of the settings, which `b24 migrate` has made.
"""

from __future__ import annotations

import json

from b24_pipeline.defs.assets.table_columns import FILE, read_columns
from b24_pipeline.runtime import opened
from b24_pipeline.settings import settings

with opened(settings()) as runtime, runtime.warehouse.connect() as connection:
    found = read_columns(connection)
# one column a line, so that a change is read as one
tables = (
    f'"{table}": [\n' + ",\n".join(json.dumps(column, ensure_ascii=False) for column in columns) + "\n]"
    for table, columns in found.items()
)
FILE.write_text("{\n" + ",\n".join(tables) + "\n}\n", "utf-8")
