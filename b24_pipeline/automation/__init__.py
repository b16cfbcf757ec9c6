"""What makes the assets happen: jobs, schedules, sensors, checks, and where Dagster keeps its state."""
