"""The way to a database: its URL, how a session begins, and what may stand between us and PostgreSQL."""
