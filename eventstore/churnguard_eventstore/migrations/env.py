"""Run by Alembic, with a connection that ``migrate`` has opened."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, text

connection: Connection = context.config.attributes["connection"]
# Two that migrate at once: the second waits, and finds nothing to do.
connection.execute(text("SELECT pg_advisory_xact_lock(6279183)"))
connection.execute(text("CREATE SCHEMA IF NOT EXISTS churnguard"))
context.configure(connection=connection, version_table="schema_version", version_table_schema="churnguard")
context.run_migrations()
