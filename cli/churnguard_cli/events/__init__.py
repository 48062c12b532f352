"""Taking events on this machine: a PostgreSQL of our own, the collector, and where there is Kafka the landing."""
