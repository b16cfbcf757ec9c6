"""Dagster's UI as `b24 up` serves it: it obeys its own pages, and not other pages of the browser."""
