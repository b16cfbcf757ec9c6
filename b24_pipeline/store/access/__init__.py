"""Who uses the service: keys with roles."""
