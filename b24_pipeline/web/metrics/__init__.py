"""`/metrics`: requests, and the state of each portal."""
