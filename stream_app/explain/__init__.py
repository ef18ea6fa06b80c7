"""Telling a person why a claim is decided as it is, and what would change it."""
