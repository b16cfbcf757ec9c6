"""Activities, calls, product rows, products, tasks and other records."""
