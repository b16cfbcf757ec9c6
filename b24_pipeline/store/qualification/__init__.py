"""Qualification: its conditions, the fields that they may name, and their evaluation."""
