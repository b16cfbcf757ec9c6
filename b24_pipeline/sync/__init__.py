"""Syncs portals: reads what they have, stores it, checks it, and decides in which order and what an error stops."""
