"""A live view of running workers in a terminal, from what they serve on /metrics."""
