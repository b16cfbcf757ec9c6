"""Middleware of every request (access log, security headers), and the check of the management key."""
