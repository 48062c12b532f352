"""How far topics of Kafka have landed."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; a topic's id is another one when a topic of its name is made anew, or in another cluster."""
    op.execute(
        """
        CREATE TABLE churnguard.kafka_offsets (
            topic_id text NOT NULL,
            partition integer NOT NULL,
            topic text NOT NULL,
            next_offset bigint NOT NULL CHECK (next_offset >= 0),
            moved_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (topic_id, partition)
        ) WITH (fillfactor = 50)
        """
    )
