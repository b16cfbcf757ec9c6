"""A compact column store: half a million rows in a few hundred megabytes, rendered a page at a time."""
