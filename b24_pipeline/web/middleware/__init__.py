"""What every request passes: the access log, security headers, the admin key."""
