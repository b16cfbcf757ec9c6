"""What Dagster loads: assets, jobs, schedules, sensors and checks."""
