"""The Prometheus metrics of `/metrics`: requests, events, and the state of each portal."""
