"""Events in partitions of days, and bad events."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make both tables."""
    op.execute(
        """
        CREATE TABLE churnguard.events (
            workspace text NOT NULL,
            message_id text NOT NULL,
            original_timestamp timestamptz NOT NULL,
            timestamp timestamptz NOT NULL,
            received_at timestamptz NOT NULL,
            type text NOT NULL,
            subject text NOT NULL,
            anonymous_subject text,
            previous_subject text,
            group_subject text,
            name text,
            category text,
            properties jsonb NOT NULL,
            context jsonb NOT NULL,
            source text NOT NULL,
            PRIMARY KEY (workspace, message_id, original_timestamp)
        ) PARTITION BY RANGE (original_timestamp)
        """
    )
    op.execute("CREATE INDEX ON churnguard.events (workspace, subject, original_timestamp)")
    op.execute(
        """
        CREATE TABLE churnguard.bad_events (
            workspace text NOT NULL,
            source text NOT NULL,
            reason text NOT NULL,
            problems jsonb NOT NULL,
            received_at timestamptz NOT NULL,
            message_id text,
            subject text
        )
        """
    )
    op.execute("CREATE INDEX ON churnguard.bad_events (received_at)")
