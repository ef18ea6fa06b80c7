"""Deciding the past again: bounded jobs beside the live worker, dry unless told otherwise."""
