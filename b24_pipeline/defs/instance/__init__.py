"""Dagster's own storage in our database, and events of work that was done without a run."""
