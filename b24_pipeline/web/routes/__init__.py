"""The management calls, one module for each noun, and the health checks."""
