"""What the pipeline produces, as Dagster shows it: one file a group of assets."""
