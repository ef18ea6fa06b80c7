"""What the service is measured against, and how: `python -m benchmarks --help`."""
