"""The webhook receiver for inbound events."""
