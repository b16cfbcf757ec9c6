"""Compares the copy with the portal, row by row and stage by stage, and repairs it."""
