"""The path of an event, one stage a file: bytes in, bytes out. No Kafka, clock or files."""
