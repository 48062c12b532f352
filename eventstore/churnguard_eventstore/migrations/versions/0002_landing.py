"""How far topics of Kafka have landed; and keys that begin with the time.

Events come as they happen, so with the time in front the key's index grows at its end, whose pages are in memory and
full, where before each event went to a page of its own anywhere in the day. A subject is one of a workspace anyway.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, and the keys anew; a topic's id is another one when a topic of its name is made anew."""
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
    op.execute(
        """
        ALTER TABLE churnguard.events
            DROP CONSTRAINT events_pkey,
            ADD PRIMARY KEY (original_timestamp, message_id, workspace)
        """
    )
    op.execute("DROP INDEX churnguard.events_workspace_subject_original_timestamp_idx")
    op.execute("CREATE INDEX ON churnguard.events (subject, workspace, original_timestamp)")
