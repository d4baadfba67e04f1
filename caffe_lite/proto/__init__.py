"""Definitions: the schema's classes, text and binary files, and upgrades from older dialects."""
