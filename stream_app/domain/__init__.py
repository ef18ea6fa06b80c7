"""What the service talks about: claims, transplants, decisions. No I/O, no rules."""
