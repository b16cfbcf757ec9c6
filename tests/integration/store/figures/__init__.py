"""Figures of the pages, on PostgreSQL."""
