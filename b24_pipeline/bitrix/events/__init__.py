"""Inbound events: PHP's form bodies read strictly, and the event that they hold."""
