"""Compares our copy with the portal, by rows and by stages, and repairs what differs."""
