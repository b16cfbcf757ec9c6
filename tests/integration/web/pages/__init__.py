"""The pages, over HTTP on a socket and a real database."""
