"""The guideline's rules: pure functions from a line and a history to findings."""
