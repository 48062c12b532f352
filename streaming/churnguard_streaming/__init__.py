"""Events from Kafka to where they are used."""
