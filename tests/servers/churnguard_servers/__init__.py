"""Real servers of the tests' own: Postgres and Kafka, on loopback, that can be killed and come back."""
