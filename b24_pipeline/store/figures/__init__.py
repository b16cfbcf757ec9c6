"""Figures for the pages, read from the marts: each module has those of one page."""
