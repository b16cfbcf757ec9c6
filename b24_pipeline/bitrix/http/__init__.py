"""One HTTP request to a portal and its answer: addresses, transport, refusals."""
