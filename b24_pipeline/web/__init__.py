"""The HTTP service: connecting portals, landing events, answering. Knows no Dagster."""
