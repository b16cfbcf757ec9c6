"""Turns inbound events into rows: drains them, binds handlers, watches for silence."""
