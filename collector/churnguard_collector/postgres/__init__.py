"""Events in Postgres: one table in partitions of days, where an event and its retry are one row."""
