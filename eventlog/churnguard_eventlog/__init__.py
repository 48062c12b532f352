"""Kafka as ChurnGuard uses it: addresses and credentials, settings of producers and consumers, statistics."""
