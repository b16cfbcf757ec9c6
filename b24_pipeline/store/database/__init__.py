"""PostgreSQL itself: connections, locks, migrations, the embedded server, secrets, statements."""
