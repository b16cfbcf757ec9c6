"""The HTTP server: requests in, bytes out, faults in between."""
