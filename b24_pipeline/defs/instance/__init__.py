"""Dagster's own storage in our database, and reports of work that was done without a run of Dagster."""
