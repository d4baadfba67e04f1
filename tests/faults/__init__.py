"""Faults of the system: calls that fail, crashes, kills."""
