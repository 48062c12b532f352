"""Where events are kept in Postgres: tables, their migrations and partitions, the statements that fill them."""
