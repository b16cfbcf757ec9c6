"""Own ad leads: read from CSV, matched by phone, followed and qualified."""
