"""Turns inbound events into rows: binds them in the portal, drains them, and notices when they stop."""
