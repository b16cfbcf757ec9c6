"""Inbound events: landed, proved, claimed, and the handlers bound for them."""
