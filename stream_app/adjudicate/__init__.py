"""Deciding claims from files: the worker's own decode-and-decide path, without Kafka."""
