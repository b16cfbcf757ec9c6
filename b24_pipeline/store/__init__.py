"""PostgreSQL: the only holder of connections and of SQL."""
