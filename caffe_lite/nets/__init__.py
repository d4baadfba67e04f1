"""Nets: from a NetParameter to layers that are wired together and run both ways."""
