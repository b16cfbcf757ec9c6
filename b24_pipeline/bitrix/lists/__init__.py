"""Whole lists read by ascending id: ranges, plans, pages, batches in flight."""
