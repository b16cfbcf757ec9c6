"""The calls of the management API, a file a noun."""
